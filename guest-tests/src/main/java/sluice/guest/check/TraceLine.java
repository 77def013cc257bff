package sluice.guest.check;

import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A line of a guest's {@code trace_pipe}, as {@code guest/trace-dma} prints it. The guest may print anything: what is not a line of
 * the kernel's tracing is {@link Broken}.
 *
 * <p>Source: include/trace/events/dma.h and kernel/trace/trace.c: print_trace_line, kernel/trace/trace_output.c: trace_stack_print of Linux.
 */
sealed interface TraceLine {
    /** Longer lines are broken: the kernel prints no more than 8 KiB. */
    int LONGEST = 16 * 1024;

    /** A call of the DMA API, or of the dma-buf core. */
    record Call(long micros, TracedCall call) implements TraceLine {}

    /** A mark that was written for us. */
    record Mark(long number) implements TraceLine {}

    /** The call chain of the call before follows, a line each. */
    record Stack() implements TraceLine {}

    /** A function of a call chain, innermost first. */
    record Frame(String function) implements TraceLine {}

    /** The ring buffer has overwritten events. */
    record Lost(long events) implements TraceLine {}

    /** A line of the kernel that tells nothing about DMA. */
    record Other() implements TraceLine {}

    /** Not a line of the kernel, or one that is torn. */
    record Broken() implements TraceLine {}

    /** Context, time, event and its fields; the task's name is the guest's choice. */
    Pattern EVENT = Pattern
            .compile("\\[\\d{3,5}] [^ ]{1,12} +(\\d{1,12})\\.(\\d{6}): ([a-z_]{1,40}): (.*)$");
    Pattern STACK = Pattern.compile("\\[\\d{3,5}] [^ ]{1,12} +\\d{1,12}\\.\\d{6}: <stack trace>$");
    Pattern FRAME = Pattern.compile("^ => ([A-Za-z0-9_.]{1,128}(?: \\[[A-Za-z0-9_]{1,64}])?)$");
    Pattern LOST = Pattern.compile("^CPU:\\d{1,5} \\[LOST (?:(\\d{1,18}) )?EVENTS]$");
    Pattern MARK = Pattern.compile("^SLUICE end (\\d{1,9})$");

    /** Reads a line. */
    static TraceLine of(String line) {
        if (line.isBlank() || line.startsWith("#")) return new Other();
        if (line.length() > LONGEST) return new Broken();
        Matcher lost = LOST.matcher(line);
        if (lost.matches()) return new Lost(lost.group(1) == null ? 1 : Long.parseLong(lost.group(1)));
        Matcher frame = FRAME.matcher(line);
        if (frame.matches()) return new Frame(frame.group(1));
        Matcher event = EVENT.matcher(line);
        if (!event.find()) return STACK.matcher(line).find() ? new Stack() : new Broken();
        long micros = Long.parseLong(event.group(1)) * 1_000_000 + Long.parseLong(event.group(2));
        String name = event.group(3);
        String fields = event.group(4);
        if (name.equals("tracing_mark_write")) {
            Matcher mark = MARK.matcher(fields);
            return mark.matches() ? new Mark(Long.parseLong(mark.group(1))) : new Other();
        }
        try {
            if (name.startsWith("dma_")) return new Call(micros, TracedCall.ofDma(name, fields));
            if (name.startsWith("sluice_")) return new Call(micros, TracedCall.ofCpuAccess(name, fields(fields)));
            return new Other();
        } catch (IllegalArgumentException broken) {
            return new Broken();
        }
    }

    /** Words {@code NAME=VALUE}; others are left out. */
    static Map<String, String> fields(String text) {
        Map<String, String> fields = new HashMap<>();
        for (String word : text.split(" ")) {
            int equals = word.indexOf('=');
            if (equals > 0) fields.put(word.substring(0, equals), word.substring(equals + 1));
        }
        return fields;
    }
}
