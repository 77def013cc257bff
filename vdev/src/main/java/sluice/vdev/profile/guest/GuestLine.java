package sluice.vdev.profile.guest;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A line of a kernel's {@code trace} file. The guest may print anything: what is not a line of the kernel's tracing is {@link Broken}.
 *
 * <p>Source: drivers/gpu/drm/virtio/virtgpu_trace.h, include/trace/events/irq.h and kernel/trace/trace.c: print_trace_line of Linux.
 */
sealed interface GuestLine {
    /** Longer lines are broken: the kernel prints no more than 8 KiB. */
    int LONGEST = 16 * 1024;
    /** Characters of another event's fields that are kept. */
    int MOST_FIELDS = 96;

    /** Time of an event in nanoseconds of the guest's clock, to the nearest microsecond. */
    sealed interface Timed extends GuestLine {
        long nanos();
    }

    /**
     * The driver has put a request into a queue.
     *
     * @param device index of the virtio device
     * @param queue such as {@code control}
     * @param type of the request
     * @param number of the request since the driver has begun, from 1
     */
    record Queued(long nanos, int device, String queue, int type, long number) implements Timed {}

    /** The driver has taken the answer to a request. */
    record Responded(long nanos, int device, String queue, long number) implements Timed {}

    /**
     * The processor has entered an interrupt of a virtio device.
     *
     * @param vector name of the queue, {@code virtqueues} for all, or empty if the device has only one interrupt
     */
    record Interrupted(long nanos, int device, String vector) implements Timed {}

    /** Another event. */
    record Other(long nanos, String name, String fields) implements Timed {}

    /** The ring buffer has overwritten so many events. */
    record Lost(long events) implements GuestLine {}

    /** A note of ours, and whether it says that this is the end or that the rest is cut off. */
    record Mark(boolean isCut) implements GuestLine {}

    /** An event of the driver without a number, as older kernels print it. */
    record Unnumbered() implements GuestLine {}

    /** A line of the kernel that is no event. */
    record Comment() implements GuestLine {}

    /** Not a line of the kernel, or one that is torn. */
    record Broken() implements GuestLine {}

    /** Context, time, event and its fields; the task's name is the guest's choice. */
    Pattern EVENT = Pattern.compile("\\[\\d{3,5}] [^ ]{1,12} +(\\d{1,9})\\.(\\d{6}): ([a-z0-9_]{1,40}): (.*)$");
    Pattern REQUEST = Pattern.compile(
            "^vdev=(\\d{1,4}) vq=\\d{1,5} name=([a-z0-9_.-]{1,32}) type=0x([0-9a-f]{1,8}) .*?(?: seqno=(\\d{1,10}))?$");
    Pattern INTERRUPT = Pattern.compile("^irq=\\d{1,9} name=virtio(\\d{1,4})(?:-([a-z0-9_.-]{1,32}))?$");
    Pattern WRITTEN = Pattern.compile("^# entries-in-buffer/entries-written: (\\d{1,18})/(\\d{1,18}) .*$");
    Pattern LOST = Pattern.compile("^CPU:\\d{1,5} \\[LOST (?:(\\d{1,18}) )?EVENTS]$");

    /** Reads a line. */
    static GuestLine of(String line) {
        if (line.length() > LONGEST) return new Broken();
        if (line.isBlank()) return new Comment();
        if (line.charAt(0) == '#') return comment(line);
        Matcher lost = LOST.matcher(line);
        if (lost.matches()) return new Lost(lost.group(1) == null ? 1 : Long.parseLong(lost.group(1)));
        Matcher event = EVENT.matcher(line);
        if (!event.find())
            return line.startsWith("CPU:") && line.endsWith("buffer started ####") ? new Comment() : new Broken();
        long nanos = (Long.parseLong(event.group(1)) * 1_000_000 + Long.parseLong(event.group(2))) * 1000;
        String name = event.group(3);
        String fields = event.group(4);
        return switch (name) {
            case "virtio_gpu_cmd_queue", "virtio_gpu_cmd_response" -> request(nanos, name, fields);
            case "irq_handler_entry" -> interrupt(nanos, fields);
            default -> new Other(nanos, name, fields.substring(0, Math.min(fields.length(), MOST_FIELDS)));
        };
    }

    private static GuestLine comment(String line) {
        Matcher written = WRITTEN.matcher(line);
        if (written.matches())
            return new Lost(Math.max(0, Long.parseLong(written.group(2)) - Long.parseLong(written.group(1))));
        return switch (line) {
            case "# SLUICE end" -> new Mark(false);
            case "# SLUICE cut" -> new Mark(true);
            default -> new Comment();
        };
    }

    private static GuestLine request(long nanos, String name, String fields) {
        Matcher request = REQUEST.matcher(fields);
        if (!request.matches()) return new Broken();
        if (request.group(4) == null) return fields.contains("seqno") ? new Broken() : new Unnumbered();
        int device = Integer.parseInt(request.group(1));
        long number = Long.parseLong(request.group(4));
        return name.equals("virtio_gpu_cmd_queue")
                ? new Queued(nanos, device, request.group(2), Integer.parseUnsignedInt(request.group(3), 16), number)
                : new Responded(nanos, device, request.group(2), number);
    }

    private static GuestLine interrupt(long nanos, String fields) {
        Matcher interrupt = INTERRUPT.matcher(fields);
        if (!interrupt.matches())
            return new Other(nanos, "irq_handler_entry", fields.substring(0, Math.min(fields.length(), MOST_FIELDS)));
        return new Interrupted(nanos, Integer.parseInt(interrupt.group(1)),
                interrupt.group(2) == null ? "" : interrupt.group(2));
    }
}
