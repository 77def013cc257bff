package sluice.vdev.witness;

import java.util.HashMap;
import java.util.Map;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.trace.DeviceTrace;

/**
 * Tells a trace of the guest's messages, with the guest's own time: the guest has told before the message arrived, and tells the next after
 * this one was answered. So its clock can be found.
 *
 * <p>Used by the witness's thread only.
 */
public final class TracedMessages {
    /** Names of calls and devices that are told; the guest chooses them. */
    private static final int MOST_NAMES = 256;

    private final DmaCore core;
    private final DeviceTrace trace;
    private final Map<String, Integer> names = new HashMap<>();

    /** @param name of the witness */
    public TracedMessages(DmaCore core, String name) {
        this.core = core;
        trace = core.trace(name);
    }

    /** When a message arrives; 0 while tracing is off. */
    long begin() {
        return trace.begin();
    }

    /**
     * A message was carried out, and is not yet answered.
     *
     * @param began result of {@link #begin}
     */
    void told(WitnessMessage message, long began) {
        if (began == 0) return;
        long bytes = 0;
        for (int i = 0; i < message.count(); i++) bytes += message.length(i);
        trace.called(number(name(message)), message.count() == 0 ? 0 : message.address(0), bytes, message.nanos(),
                began);
    }

    /** A chain is sent before the fields of its call are written. */
    private static String name(WitnessMessage message) {
        return Operation.numbered(message.operation()) == Operation.CHAIN
                ? "call chain"
                : (message.call() + " " + message.name()).strip();
    }

    private int number(String name) {
        Integer known = names.get(name);
        if (known != null) return known;
        if (names.size() == MOST_NAMES) return 0;
        int number = core.named(name);
        names.put(name, number);
        return number;
    }
}
