/** The register of class-transformer's decorators. The package has its types elsewhere than its code. */
declare module 'class-transformer/cjs/storage.js' {
  export const defaultMetadataStorage: {
    getExposedMetadatas(target: object): readonly object[];
    getExcludedMetadatas(target: object): readonly object[];
    findTypeMetadata(target: object, property: string): object | undefined;
    /** @param type 0: of a plain object */
    findTransformMetadatas(target: object, property: string, type: 0): readonly object[];
  };
}
