package sluice.vdev.vfiouser;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a client says it can do in its VERSION message. Of its JSON three members are of use here; they are found by name, and
 * what is not found has the protocol's default.
 *
 * @param messageFds descriptors it takes in one message
 * @param dataBytes data it takes in one message
 * @param writeMultiple whether it would send WRITE_MULTI
 */
record Capabilities(int messageFds, int dataBytes, boolean writeMultiple) {
    /** Mappings QEMU believes any server has; it refuses a server that says more. */
    private static final int MAX_DMA_MAPS = 65_535;
    /** QEMU refuses a server that says more. */
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

    /** What we answer. */
    String answer() {
        return """
                {"capabilities":{"max_msg_fds":%d,"max_data_xfer_size":%d,"max_dma_maps":%d,"pgsizes":4096%s}}"""
                .formatted(messageFds, VfioUserFormat.MAX_DATA_BYTES, MAX_DMA_MAPS,
                        writeMultiple ? ",\"write_multiple\":true" : "");
    }
}
