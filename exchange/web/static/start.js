// Starts GOV.UK Frontend's components on this page.
import { initAll } from "./vendor/govuk-frontend.min.js";

initAll();
