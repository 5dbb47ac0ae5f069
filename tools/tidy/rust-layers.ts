/** The part of `cargo metadata` that the rule reads. */
export interface CargoMetadata {
  readonly packages: readonly {
    readonly name: string;
    readonly dependencies: readonly { readonly name: string; readonly kind: string | null }[];
  }[];
}

/** Kernels that depend on one another, and crates other than `binding` that know Node. */
export function rustLayers(metadata: CargoMetadata): string[] {
  return metadata.packages
    .filter((crate) => crate.name !== "binding")
    .flatMap((crate) =>
      crate.dependencies.flatMap(({ name }) => {
        if (/^napi(-|$)/.test(name)) return [`${crate.name}: only the crate binding may depend on ${name}`];
        if (name.startsWith("kernel-") || name === "binding")
          return [`${crate.name}: kernels do not depend on ${name}`];
        return [];
      }),
    );
}
