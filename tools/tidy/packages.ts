import { matching, type Tree, workspaces } from "./tree.ts";

const pageLines = 60;

/** Every package and crate has a README of at most a page that names the file to read first. */
export function readmes(tree: Tree): string[] {
  const folders = [
    ...workspaces(tree).map((workspace) => workspace.folder),
    ...matching(tree, /^native\/crates\/[^/]+\/Cargo\.toml$/).map((file) => file.slice(0, -"/Cargo.toml".length)),
  ];
  return folders.flatMap((folder) => {
    const file = `${folder}/README.md`;
    if (!tree.files.includes(file)) return [`${file}: is missing`];
    const text = tree.read(file);
    const problems: string[] = [];
    if (text.split("\n").length > pageLines) problems.push(`${file}: is longer than a page (${pageLines} lines)`);
    const paragraph = text.split(/\n\s*\n/).find((part) => /\bread\b.{0,60}\bfirst\b/is.test(part)) ?? "";
    const named = [...paragraph.matchAll(/[`[]([^`\]]+)[`\]]/g)].map((found) => found[1] ?? "");
    if (!named.some((name) => exists(tree, folder, name))) {
      problems.push(`${file}: does not name the file to read first, or it does not exist`);
    }
    return problems;
  });
}

function exists(tree: Tree, folder: string, name: string): boolean {
  return tree.files.some((file) => file === `${folder}/${name}` || file === `${folder}/src/${name}`);
}

/** Manifests agree: one version, exact dependencies, licence, module type, the condition for sources first. */
export function manifests(tree: Tree): string[] {
  const root = JSON.parse(tree.read("package.json")) as Record<string, unknown>;
  const all = [{ file: "package.json", manifest: root }].concat(
    workspaces(tree).map(({ folder, manifest }) => ({ file: `${folder}/package.json`, manifest })),
  );
  return all.flatMap(({ file, manifest }) => {
    const dependencies = ["dependencies", "devDependencies", "optionalDependencies"].flatMap((field) =>
      Object.entries((manifest[field] ?? {}) as Record<string, string>),
    );
    const inexact = dependencies.filter(([, version]) => !/^\d+\.\d+\.\d+/.test(version));
    return [
      ...inexact.map(([name, version]) => `${file}: ${name} has no exact version (${version})`),
      ...(["version", "license", "type"] as const)
        .filter((field) => manifest[field] !== root[field])
        .map((field) => `${file}: ${field} differs from the root's`),
    ];
  });
}
