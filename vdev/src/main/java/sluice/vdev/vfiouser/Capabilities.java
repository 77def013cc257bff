package sluice.vdev.vfiouser;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A client's capabilities from its VERSION message. Three members of the JSON are used; they are found by name, and an
 * absent one has the protocol's default.
 *
 * @param messageFds limit of descriptors in one message
 * @param dataBytes limit of data in one message, in bytes
 * @param writeMultiple whether it may send REGION_WRITE_MULTI
 */
record Capabilities(int messageFds, int dataBytes, boolean writeMultiple) {
    /** The number of mappings that QEMU expects; it refuses a server with more. */
    private static final int MAX_DMA_MAPS = 65_535;
    /** QEMU refuses a server with more. */
    private static final int MAX_FDS = 16;
    private static final Pattern MULTIPLE = Pattern.compile("\"write_multiple\"\\s*:\\s*true");

    static Capabilities of(String json) {
        return new Capabilities(Math.min(number(json, "max_msg_fds", 1), MAX_FDS),
                Math.min(number(json, "max_data_xfer_size", VfioUserFormat.MAX_DATA_BYTES),
                        VfioUserFormat.MAX_DATA_BYTES),
                MULTIPLE.matcher(json).find());
    }

    private static int number(String json, String name, int otherwise) {
        Matcher found = Pattern.compile('"' + name + "\"\\s*:\\s*([0-9]{1,9})\\b").matcher(json);
        return found.find() ? Integer.parseInt(found.group(1)) : otherwise;
    }

    /** Our capabilities, for the reply. */
    String answer() {
        return """
                {"capabilities":{"max_msg_fds":%d,"max_data_xfer_size":%d,"max_dma_maps":%d,"pgsizes":4096%s}}"""
                .formatted(messageFds, VfioUserFormat.MAX_DATA_BYTES, MAX_DMA_MAPS,
                        writeMultiple ? ",\"write_multiple\":true" : "");
    }
}
