package sluice.vdev.input;

import java.util.Map;

import sluice.vdev.device.Counter;
import sluice.vdev.device.Report;

/** The counters of an input device; those of sources are written under the lock of {@link InputState}. */
final class InputStatistics {
    final Counter packets = new Counter();
    final Counter withoutDriver = new Counter();
    final Counter full = new Counter();
    final Counter unsupported = new Counter();
    /** Events of the driver, on the loop. */
    final Counter status = new Counter();
    /** A bit for each light that is on, on the loop. */
    final Counter leds = new Counter();

    void register(Report report) {
        report.counter("packets", "packets", "Key presses, movements and so on that were taken from sources.", packets);
        report.counters("dropped", "packets", "Packets of sources that no driver will get, by reason.",
                Map.of("withoutDriver", withoutDriver, "queueFull", full, "unsupported", unsupported));
        report.counter("status", "events", "Events from drivers, such as lights that change.", status);
        report.gauge("leds", "bits", "Lights that are on: 1 num lock, 2 caps lock, 4 scroll lock, 8 compose, 16 kana.",
                leds);
    }
}
