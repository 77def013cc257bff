package sluice.guest.check;

import java.io.IOException;
import java.io.Writer;

/** KTAP of a completed run, as by {@link KtapWriter}. */
final class KtapReport implements ReportFormat {
    @Override
    public void write(CheckResult result, Writer out) throws IOException {
        KtapWriter ktap = new KtapWriter(out);
        ktap.begin(result.card(), result.kernel(), result.qemu(),
                result.cells().stream().map(CellResult::cell).toList(), result.calls());
        for (CellResult cell : result.cells()) ktap.cell(cell);
        ktap.end();
    }
}
