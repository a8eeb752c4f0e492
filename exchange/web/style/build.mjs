// Builds static/vendor from the packages that package-lock.json names. Run in a copy of this folder: see docs/web.md.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as sass from "sass";

const out = process.argv[2];
if (!out) throw new Error("usage: node build.mjs FOLDER");
const govuk = "node_modules/govuk-frontend", moj = "node_modules/@ministryofjustice/frontend";
const version = (folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version;

const built = sass.compile("frontend.scss", { loadPaths: [".", "node_modules"], style: "compressed", quietDeps: true }).css;
// Crest and crown are not ours to show: their rules and images go.
const css = built.replace(/\.govuk-footer__crown\{[^}]*\}/g, "").replace(/background-image:url\("images\/govuk-crest\.svg"\);?/g, "").replace(/(-webkit-)?mask-image:url\("images\/govuk-crest\.svg"\);?/g, "");
mkdirSync(join(out, "images"), { recursive: true });
writeFileSync(join(out, "frontend.css"), css + "\n");
copyFileSync(join(govuk, "dist/govuk/govuk-frontend.min.js"), join(out, "govuk-frontend.min.js"));
copyFileSync(join(moj, "moj/assets/images/icon-document.svg"), join(out, "images/icon-document.svg"));
writeFileSync(join(out, "VERSION"), `govuk-frontend ${version(govuk)}\n@ministryofjustice/frontend ${version(moj)}\nsass ${version("node_modules/sass")}\n`);

const files = readdirSync(out, { recursive: true, withFileTypes: true })
  .filter((one) => one.isFile() && one.name !== "SHA256SUMS")
  .map((one) => join(one.parentPath, one.name))
  .sort();
const digest = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");
writeFileSync(join(out, "SHA256SUMS"), files.map((file) => `${digest(file)}  ${file.slice(out.length + 1)}\n`).join(""));
