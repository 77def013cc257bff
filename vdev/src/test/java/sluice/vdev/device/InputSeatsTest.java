package sluice.vdev.device;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** Sources find the devices of their seat, and of no other. */
class InputSeatsTest {
    private final InputSeats seats = new InputSeats();
    private final List<String> seen = new ArrayList<>();

    private InputSink device(String device, String source) {
        return new InputSink() {
            @Override
            public void key(int code, boolean pressed) {
                seen.add(device + " key " + code + " " + pressed + " of " + source);
            }

            @Override
            public void pointer(int x, int y, int width, int height, int buttons) {
                seen.add(device + " pointer " + List.of(x, y, width, height, buttons));
            }

            @Override
            public void scroll(int up, int right) {
                seen.add(device + " scroll " + List.of(up, right));
            }

            @Override
            public void touch(int slot, int x, int y, int width, int height, boolean touching) {
                seen.add(device + " touch " + List.of(slot, x, y, width, height, touching));
            }

            @Override
            public void close() {
                seen.add(device + " close");
            }
        };
    }

    @Test
    void aSourceReachesEveryDeviceOfItsSeat() {
        seats.join("seat0", source -> device("a", source));
        seats.join("seat0", source -> device("b", source));
        seats.join("other", source -> device("c", source));
        try (InputSink sink = seats.open("seat0", "viewer")) {
            sink.key(30, true);
            sink.pointer(1, 2, 3, 4, InputSink.LEFT);
            sink.scroll(-1, 2);
            sink.touch(1, 2, 3, 4, 5, true);
        }
        assertThat(seen).containsExactly("a key 30 true of viewer", "b key 30 true of viewer",
                "a pointer [1, 2, 3, 4, 1]", "b pointer [1, 2, 3, 4, 1]", "a scroll [-1, 2]", "b scroll [-1, 2]",
                "a touch [1, 2, 3, 4, 5, true]", "b touch [1, 2, 3, 4, 5, true]", "a close", "b close");
        assertThat(seats.names()).containsExactly("other", "seat0");
    }

    @Test
    void aSeatWithoutDevicesTakesEverything() {
        Runnable leave = seats.join("seat0", source -> device("a", source));
        assertThat(seats.has("seat0")).isTrue();
        leave.run();
        leave.run();
        assertThat(seats.has("seat0")).isFalse();
        try (InputSink sink = seats.open("seat0", "viewer")) {
            sink.key(30, true);
        }
        assertThat(seen).isEmpty();
    }
}
