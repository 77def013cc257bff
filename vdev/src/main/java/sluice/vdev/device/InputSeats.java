package sluice.vdev.device;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * The input devices of a process, by seat: the devices of one user in front of one VM. A device joins its seat when it
 * is created, before anything is served; a source of input opens the seat. Thread-safe.
 */
public final class InputSeats {
    /** The seat of a device or a source for which the user names none. */
    public static final String DEFAULT = "seat0";

    private final Map<String, List<Function<String, InputSink>>> seats = new TreeMap<>();

    /**
     * Adds an input device to a seat.
     *
     * @param device opens the device for a source, whose name it receives
     * @return removes the device; open sinks are not closed
     */
    public synchronized Runnable join(String seat, Function<String, InputSink> device) {
        seats.computeIfAbsent(seat, _ -> new ArrayList<>()).add(device);
        return () -> leave(seat, device);
    }

    private synchronized void leave(String seat, Function<String, InputSink> device) {
        List<Function<String, InputSink>> present = seats.get(seat);
        if (present == null) return;
        present.remove(device);
        if (present.isEmpty()) seats.remove(seat);
    }

    /** Whether a seat has an input device. */
    public synchronized boolean has(String seat) {
        return seats.containsKey(seat);
    }

    /** The seats with at least one input device, sorted. */
    public synchronized List<String> names() {
        return List.copyOf(seats.keySet());
    }

    /**
     * Opens all input devices that a seat has at this moment. A seat without devices takes everything and delivers
     * nothing: see {@link #has}.
     *
     * @param source name of the source in the log, such as {@code VNC viewer 1}
     */
    public synchronized InputSink open(String seat, String source) {
        return new ManySinks(
                seats.getOrDefault(seat, List.of()).stream().map(device -> device.apply(source)).toList());
    }

    /** Passes each call to all devices of a seat: each takes what it supports. */
    private record ManySinks(List<InputSink> sinks) implements InputSink {
        @Override
        public void key(int code, boolean pressed) {
            for (InputSink sink : sinks) sink.key(code, pressed);
        }

        @Override
        public void pointer(int x, int y, int width, int height, int buttons) {
            for (InputSink sink : sinks) sink.pointer(x, y, width, height, buttons);
        }

        @Override
        public void scroll(int up, int right) {
            for (InputSink sink : sinks) sink.scroll(up, right);
        }

        @Override
        public void touch(int slot, int x, int y, int width, int height, boolean touching) {
            for (InputSink sink : sinks) sink.touch(slot, x, y, width, height, touching);
        }

        @Override
        public void close() {
            for (InputSink sink : sinks) sink.close();
        }
    }
}
