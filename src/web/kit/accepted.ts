import type { Type } from '@nestjs/common';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import {
  getMetadataStorage,
  ValidationTypes,
  type ValidationArguments,
  type ValidatorConstraintInterface,
} from 'class-validator';
import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';

type Condition = (object: object, value: unknown) => boolean;

interface Rule {
  readonly constraints: unknown[];
  readonly constraint: ValidatorConstraintInterface;
}

/** As decorators of one's own register: without options there are none. */
type Registered = Omit<ValidationMetadata, 'each' | 'groups'> & Partial<Pick<ValidationMetadata, 'each' | 'groups'>>;

/** What class-validator would ask of one property. */
interface PropertyRules {
  readonly property: string;
  /** All must hold, or nothing else is asked. */
  readonly conditions: readonly Condition[];
  readonly rules: readonly Rule[];
}

const known = new WeakMap<Type<object>, ReadonlyMap<string, PropertyRules> | null>();

/**
 * The instance of a form's class that class-transformer and class-validator make of these parameters, if every rule says
 * yes. The rules are class-validator's own functions, found by its own register; here they are only looked up once for each
 * class, and not on every request.
 *
 * @param value members that are no text are left to the ordinary way; those with an empty text count as not sent
 * @returns undefined: a rule says no, or the class has what is not known here (nested objects, groups, transformations);
 *   the ordinary way decides and words the error
 */
export function accepted(form: Type<object>, value: object): object | undefined {
  let rules = known.get(form);
  if (rules === undefined) known.set(form, (rules = rulesOf(form)));
  if (rules === null) return undefined;
  const made = new form();
  for (const [name, member] of Object.entries(value) as Array<[string, unknown]>) {
    if (member === '') continue;
    if (typeof member !== 'string' && member !== undefined) return undefined;
    if (rules.has(name)) (made as Record<string, unknown>)[name] = member;
  }
  // Fields that the class has and no rule knows are taken away by the ordinary way.
  if (Object.keys(made).some((name) => !rules.has(name))) return undefined;
  for (const property of rules.values()) if (!agrees(property, made)) return undefined;
  return made;
}

function agrees({ property, conditions, rules }: PropertyRules, object: object): boolean {
  const value = (object as Record<string, unknown>)[property];
  if (!conditions.every((condition) => condition(object, value))) return true;
  return rules.every(({ constraint, constraints }) => {
    const details: ValidationArguments = { targetName: object.constructor.name, property, object, value, constraints };
    return constraint.validate(value, details) === true;
  });
}

/** null: the class has rules that are asked in another way. */
function rulesOf(form: Type<object>): ReadonlyMap<string, PropertyRules> | null {
  const all = getMetadataStorage().getTargetValidationMetadatas(form, '', false, false);
  if (all.length === 0 || isTransformed(form)) return null;
  const rules = new Map<string, PropertyRules>();
  for (const property of new Set(all.map(({ propertyName }) => propertyName))) {
    const own = propertyRules(
      property,
      all.filter(({ propertyName }) => propertyName === property),
    );
    if (own === null || isTransformed(form, property)) return null;
    rules.set(property, own);
  }
  return rules;
}

function propertyRules(property: string, metadatas: readonly ValidationMetadata[]): PropertyRules | null {
  const conditions: Condition[] = [];
  const rules: Rule[] = [];
  for (const { type, each, groups, validateIf, constraints, constraintCls } of metadatas as readonly Registered[]) {
    if (each === true || (groups ?? []).length > 0 || validateIf !== undefined) return null;
    if (type === ValidationTypes.CONDITIONAL_VALIDATION) conditions.push(constraints[0] as Condition);
    else if (type === ValidationTypes.CUSTOM_VALIDATION || type === ValidationTypes.IS_DEFINED) {
      for (const { instance, async } of getMetadataStorage().getTargetValidatorConstraints(constraintCls)) {
        if (async) return null;
        rules.push({ constraint: instance, constraints });
      }
    } else if (type !== ValidationTypes.WHITELIST) return null;
  }
  return { property, conditions, rules };
}

/** Whether class-transformer has anything to do for the class, or for one of its properties. */
function isTransformed(form: Type<object>, property?: string): boolean {
  const storage = defaultMetadataStorage;
  if (property === undefined)
    return storage.getExposedMetadatas(form).length > 0 || storage.getExcludedMetadatas(form).length > 0;
  return (
    storage.findTypeMetadata(form, property) !== undefined ||
    storage.findTransformMetadatas(form, property, 0).length > 0
  );
}
