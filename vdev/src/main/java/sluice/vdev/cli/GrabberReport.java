package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Path;

import com.google.gson.JsonObject;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.file.PrivateFile;
import sluice.iommu.space.IoSpaceStatistics;
import sluice.vdev.grabber.Grabber;
import sluice.vdev.grabber.GrabberStatistics;
import sluice.vdev.host.DmaStatistics;
import sluice.vdev.host.FunctionHost;

/**
 * A grabber's statistics as JSON: its pictures, what its DMA has cost, and what its front-end has mapped for it.
 *
 * @param core whose findings and transfers are those of all devices of the process
 * @param file is replaced as a whole, so that a reader never sees half of it
 */
record GrabberReport(Grabber grabber, FunctionHost host, DmaCore core, Path file) {
    /** To be called on the grabber's loop; what it returns writes them, and says where they are on standard output. */
    EndpointServer.Writing take() {
        String text = StatisticsReport.text(report());
        return () -> {
            try {
                PrivateFile.write(file, text);
            } catch (IOException e) {
                throw new IOException("the statistics could not be written to %s: %s".formatted(file, e), e);
            }
            System.out.println("statistics " + file);
            System.out.flush();
        };
    }

    private JsonObject report() {
        JsonObject report = new JsonObject();
        GrabberStatistics pictures = grabber.statistics();
        report.addProperty("frames", pictures.frames());
        report.addProperty("skipped", pictures.skipped());
        report.addProperty("addressErrors", pictures.errors());
        report.add("dma", dma(host.statistics()));
        report.add("space", space(host.space().table().statistics(), host.leaked()));
        report.add("faults", StatisticsReport.faults(host.space().table().faults()));
        report.add("ownership", StatisticsReport.ownership(core.totals()));
        report.add("findings", StatisticsReport.findings(core.findings()));
        return report;
    }

    private static JsonObject dma(DmaStatistics statistics) {
        JsonObject json = new JsonObject();
        json.addProperty("bytes", statistics.bytes());
        json.addProperty("messages", statistics.messages());
        json.addProperty("messageBytes", statistics.messageBytes());
        json.addProperty("refused", statistics.refused());
        return json;
    }

    /** What DMA_MAP and DMA_UNMAP have built. */
    private static JsonObject space(IoSpaceStatistics statistics, long leaked) {
        JsonObject json = new JsonObject();
        json.addProperty("maps", statistics.maps());
        json.addProperty("unmaps", statistics.unmaps());
        json.addProperty("mappings", statistics.mappings());
        json.addProperty("mappedBytes", statistics.mappedBytes());
        json.addProperty("leaked", leaked);
        return json;
    }
}
