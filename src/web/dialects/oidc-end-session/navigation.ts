import { createParamDecorator, type ExecutionContext } from '@nestjs/common';

interface NavigatingRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** The parameter of a handler that says whether a person went there: it is no HEAD, no image, no prefetch. */
export const IsNavigation = createParamDecorator((_: unknown, context: ExecutionContext): boolean => {
  const { method, headers } = context.switchToHttp().getRequest<NavigatingRequest>();
  const { 'sec-fetch-dest': destination, 'sec-purpose': purpose, purpose: oldPurpose } = headers;
  return (
    method === 'GET' &&
    (destination === undefined || destination === 'document') &&
    purpose === undefined &&
    oldPurpose === undefined
  );
});
