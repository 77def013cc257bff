package sluice.guest.check;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A call of a guest's kernel, as its tracing tells it.
 *
 * @param name of the event, which is that of the function, such as {@code dma_map_sg}
 * @param device for which is called; empty for a dma-buf
 * @param direction such as {@code FROM_DEVICE}
 * @param addresses of the list's entries for the device; empty where the event does not tell them
 * @param physical addresses of the CPU; empty where the event does not tell them
 * @param bytes of all entries; 0 where the event does not tell it
 * @param attributes without {@code DMA_ATTR_}, with a space between; empty where the event does not tell them
 * @param cut whether the list is longer than what is told
 */
record TracedCall(String name, String device, String direction, List<Long> addresses, List<Long> physical, long bytes,
        String attributes, boolean cut) {
    /** The kernel tells so many entries of a list: DMA_TRACE_MAX_ENTRIES. */
    static final int MOST_ENTRIES = 128;

    private static final List<String> DIRECTIONS = List.of("BIDIRECTIONAL", "TO_DEVICE", "FROM_DEVICE", "NONE");
    private static final String DIRECTION = " dir=";
    private static final int LONGEST_NAME = 64;

    /** @throws IllegalArgumentException its fields are not those of the event */
    static TracedCall ofDma(String name, String text) {
        int end = text.indexOf(DIRECTION);
        if (end < 0 || end > LONGEST_NAME) throw new IllegalArgumentException("no device");
        Map<String, String> fields = TraceLine.fields(text.substring(end + 1));
        String direction = fields.getOrDefault("dir", "");
        if (!DIRECTIONS.contains(direction)) throw new IllegalArgumentException("no direction");
        List<Long> sizes = list(fields.getOrDefault("sizes", ""));
        long bytes = sizes.stream().mapToLong(Long::longValue).sum();
        if (fields.containsKey("size")) bytes = Long.parseLong(fields.get("size"));
        if (bytes < 0) throw new IllegalArgumentException("a size below 0");
        List<Long> addresses = list(fields.getOrDefault("dma_addrs", fields.getOrDefault("dma_addr", "")));
        return new TracedCall(name, text.substring(0, end), direction, addresses,
                list(fields.getOrDefault("phys_addrs", fields.getOrDefault("phys_addr", ""))), bytes,
                fields.getOrDefault("attrs", "").replace('|', ' '), text.contains("[TRUNCATED]"));
    }

    /** @throws IllegalArgumentException its fields are not those of the probe */
    static TracedCall ofCpuAccess(String name, Map<String, String> fields) {
        return switch (name) {
            case "sluice_begin" -> access("dma_buf_begin_cpu_access", fields);
            case "sluice_end" -> access("dma_buf_end_cpu_access", fields);
            case "sluice_ioctl" -> {
                long flags = Long.parseLong(fields.getOrDefault("flags", ""));
                // DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE and DMA_BUF_SYNC_END of include/uapi/linux/dma-buf.h
                String direction = switch ((int) flags & 3) {
                    case 1 -> "FROM_DEVICE";
                    case 2 -> "TO_DEVICE";
                    case 3 -> "BIDIRECTIONAL";
                    default -> "NONE";
                };
                yield new TracedCall("DMA_BUF_IOCTL_SYNC", "", direction, List.of(), List.of(), 0,
                        (flags & 4) == 0 ? "START" : "END", false);
            }
            default -> throw new IllegalArgumentException("no probe of ours");
        };
    }

    private static TracedCall access(String name, Map<String, String> fields) {
        int direction = Integer.parseInt(fields.getOrDefault("direction", ""));
        if (direction < 0 || direction >= DIRECTIONS.size()) throw new IllegalArgumentException("no direction");
        long bytes = Long.parseLong(fields.getOrDefault("size", ""));
        if (bytes < 0) throw new IllegalArgumentException("a size below 0");
        return new TracedCall(name, "", DIRECTIONS.get(direction), List.of(), List.of(), bytes, "", false);
    }

    /** {@code {0x1,0x2}} or one number, all hexadecimal. */
    private static List<Long> list(String text) {
        if (text.isEmpty() || text.equals("{}")) return List.of();
        String inside = text.startsWith("{") && text.endsWith("}") ? text.substring(1, text.length() - 1) : text;
        String[] words = inside.split(",", MOST_ENTRIES + 2);
        if (words.length > MOST_ENTRIES) throw new IllegalArgumentException("a longer list than the kernel tells");
        return Arrays.stream(words)
                .map(word -> Long.parseUnsignedLong(word.startsWith("0x") ? word.substring(2) : word, 16))
                .toList();
    }

    boolean maps() {
        return name.startsWith("dma_map_") && !name.endsWith("_err");
    }

    boolean unmaps() {
        return name.startsWith("dma_unmap_");
    }

    boolean syncs() {
        return name.startsWith("dma_sync_");
    }

    boolean isForCpu() {
        return name.endsWith("_for_cpu");
    }

    boolean has(String attribute) {
        return List.of(attributes.split(" ")).contains(attribute);
    }

    /** The call with its direction and attributes. */
    String said() {
        return (name + " " + direction + " " + attributes).strip();
    }
}
