// One invoice in the package's own JSON a line; its UBL a line, or why not.
import { createInterface } from "node:readline";
import core from "@e-invoice-eu/core";

const quiet = { log() {}, warn() {}, error() {} };
const service = new core.InvoiceService(quiet);

for await (const line of createInterface({ input: process.stdin })) {
    try {
        const xml = await service.generate(JSON.parse(line), { format: "UBL", lang: "en", noWarnings: true });
        console.log(JSON.stringify({ xml: xml.toString() }));
    } catch (error) {
        console.log(JSON.stringify({ why: `${error.message} ${JSON.stringify(error.errors ?? error.cause ?? "")}` }));
    }
}
