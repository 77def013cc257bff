package sluice.vdev.feed;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;

import sluice.dmacore.linux.Evdev;
import sluice.vdev.device.InputSink;

import static org.assertj.core.api.Assertions.assertThat;

/** Events of nodes of the host, as a guest gets them. */
class EvdevFilterTest {
    private final List<String> seen = new ArrayList<>();
    private final InputSink sink = new InputSink() {
        @Override
        public void key(int code, boolean pressed) {
            seen.add("key %d %b".formatted(code, pressed));
        }

        @Override
        public void pointer(int x, int y, int width, int height, int buttons) {
            seen.add("pointer %d %d of %dx%d buttons %d".formatted(x, y, width, height, buttons));
        }

        @Override
        public void scroll(int up, int right) {
            seen.add("scroll %d %d".formatted(up, right));
        }

        @Override
        public void touch(int slot, int x, int y, int width, int height, boolean touching) {
            seen.add(touching ? "touch %d %d %d of %dx%d".formatted(slot, x, y, width, height) : "lift " + slot);
        }

        @Override
        public void close() {
            seen.add("close");
        }
    };

    private static void take(EvdevFilter filter, int... events) {
        for (int i = 0; i < events.length; i += 3)
            assertThat(filter.take(events[i], events[i + 1], events[i + 2])).isTrue();
    }

    @Test
    void keysPassAndRepetitionsDoNot() {
        EvdevFilter filter = new EvdevFilter(null, null, sink);
        take(filter, 4, 4, 30, 1, 30, 1, 0, 0, 0, 1, 30, 2, 0, 0, 1, 1, 30, 0, 0, 0, 0, 1, 0x1d0, 1, 0, 0, 0);
        assertThat(seen).containsExactly("key 30 true", "key 30 false");
    }

    @Test
    void aTabletKeepsItsAxes() {
        EvdevFilter filter = new EvdevFilter(new Evdev.Axis(-100, 99), new Evdev.Axis(10, 19), sink);
        take(filter, 3, 0, -100, 3, 1, 19, 0, 0, 0, 3, 24, 500, 0, 0, 0, 3, 0, 99, 1, 0x110, 1, 1, 0x112, 1, 0, 0, 0, 1,
                0x110, 0, 0, 0, 0);
        assertThat(seen).containsExactly("pointer 0 9 of 200x10 buttons 0", "pointer 199 9 of 200x10 buttons 3",
                "pointer 199 9 of 200x10 buttons 2");
    }

    @Test
    void aMouseMovesOnAScreenAndStopsAtItsEdge() {
        EvdevFilter filter = new EvdevFilter(null, null, sink);
        take(filter, 2, 0, 1, 2, 1, -1, 0, 0, 0, 2, 0, Integer.MAX_VALUE, 2, 1, Integer.MIN_VALUE, 0, 0, 0, 2, 8, -1, 2,
                6, 2, 2, 11, -120, 0, 0, 0);
        assertThat(seen).containsExactly("pointer 960 538 of 1920x1080 buttons 0",
                "pointer 1919 0 of 1920x1080 buttons 0", "scroll -1 2");
    }

    @Test
    void fingersAreKeptApart() {
        EvdevFilter filter = new EvdevFilter(new Evdev.Axis(0, 99), new Evdev.Axis(0, 99), sink);
        take(filter, 3, 0x39, 7, 3, 0x35, 10, 3, 0x36, 20, 3, 0x2f, 1, 3, 0x39, 8, 3, 0x35, 30, 3, 0x36, 40, 1, 0x14a,
                1, 0, 0, 0);
        take(filter, 3, 0x35, 31, 0, 0, 0, 3, 0x2f, 0, 3, 0x39, -1, 3, 0x2f, 77, 3, 0x35, 5, 0, 0, 0);
        assertThat(seen).containsExactly("touch 0 10 20 of 100x100", "touch 1 30 40 of 100x100",
                "touch 1 31 40 of 100x100", "lift 0");
    }

    @Test
    void afterALossNothingIsBelievedUntilThePacketEnds() {
        EvdevFilter filter = new EvdevFilter(null, null, sink);
        take(filter, 2, 0, 5, 0, 0, 0, 1, 0x110, 1);
        assertThat(filter.take(0, 3, 0)).isFalse();
        EvdevFilter renewed = filter.renewed(sink);
        take(renewed, 1, 30, 1, 2, 0, 5, 0, 0, 0, 1, 31, 1, 2, 0, 1, 0, 0, 0);
        assertThat(seen).containsExactly("pointer 964 539 of 1920x1080 buttons 0", "key 31 true",
                "pointer 965 539 of 1920x1080 buttons 0");
    }
}
