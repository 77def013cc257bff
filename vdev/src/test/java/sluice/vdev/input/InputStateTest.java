package sluice.vdev.input;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.vdev.device.InputSink;

import static org.assertj.core.api.Assertions.assertThat;

/** Packets of several sources: what a guest gets of them, also if it takes nothing for a while. */
class InputStateTest {
    private static final long SEED = 0x1a9;

    private final InputStatistics statistics = new InputStatistics();
    private final AtomicInteger wakes = new AtomicInteger();
    private final SeenInput seen = new SeenInput();

    private InputState state(InputKind kind) {
        InputState state = new InputState(kind, statistics, wakes::incrementAndGet);
        state.setRunning(true);
        return state;
    }

    private void drain(InputState state, int most) {
        state.awake();
        for (int i = 0; i < most && !state.isEmpty(); i++) {
            long event = state.next();
            state.taken();
            seen.take((int) event & 0xffff, (int) (event >>> 16) & 0xffff, (int) (event >> 32));
        }
    }

    private void drain(InputState state) {
        drain(state, Integer.MAX_VALUE);
    }

    @Test
    void aKeyIsPressedOnceAndReleasedWithItsLastHolder() {
        InputState state = state(InputKind.KEYBOARD);
        InputSink one = state.open();
        InputSink other = state.open();
        one.key(30, true);
        one.key(30, true);
        other.key(30, true);
        one.key(30, false);
        one.key(30, false);
        drain(state);
        assertThat(seen.packets).containsExactly("key 30 1");
        other.key(30, false);
        other.key(31, false);
        drain(state);
        assertThat(seen.packets).containsExactly("key 30 1", "key 30 0");
    }

    @Test
    void aSourceThatEndsReleasesWhatItHolds() {
        InputState state = state(InputKind.KEYBOARD);
        InputSink one = state.open();
        InputSink other = state.open();
        for (int key : new int[]{ 29, 42, 30 }) one.key(key, true);
        other.key(42, true);
        one.close();
        one.close();
        one.key(31, true);
        drain(state);
        assertThat(seen.packets).containsExactly("key 29 1", "key 42 1", "key 30 1", "key 29 0", "key 30 0");
    }

    @Test
    void aPointerSaysWhereItIsAndWhichButtonsChange() {
        InputState state = state(InputKind.TABLET);
        InputSink sink = state.open();
        sink.pointer(0, 0, 32768, 32768, 0);
        sink.pointer(100, 200, 32768, 32768, InputSink.LEFT | InputSink.FORWARD);
        sink.pointer(100, 200, 32768, 32768, InputSink.LEFT | InputSink.FORWARD);
        sink.pointer(100, 200, 32768, 32768, InputSink.RIGHT | 1 << 5);
        sink.scroll(1, 0);
        sink.scroll(0, -2);
        sink.scroll(0, 0);
        sink.close();
        drain(state);
        assertThat(seen.packets).containsExactly("abs 0 0, abs 1 0",
                "abs 0 100, abs 1 200, key 272 1, key 276 1",
                "abs 0 100, abs 1 200, key 272 0, key 273 1, key 276 0", "rel 8 1", "rel 6 -2", "key 273 0");
    }

    @Test
    void fingersHaveSlotsAndTheFirstIsAPointerToo() {
        InputState state = state(InputKind.TOUCH);
        InputSink one = state.open();
        InputSink other = state.open();
        one.touch(3, 10, 20, 32768, 32768, true);
        other.touch(3, 30, 40, 32768, 32768, true);
        one.touch(3, 11, 21, 32768, 32768, true);
        one.touch(3, 0, 0, 1, 1, false);
        one.touch(3, 0, 0, 1, 1, false);
        other.touch(3, 31, 41, 32768, 32768, true);
        other.close();
        drain(state);
        assertThat(seen.packets).containsExactly(
                "abs 47 0, abs 57 0, abs 53 10, abs 54 20, key 330 1, abs 0 10, abs 1 20",
                "abs 47 1, abs 57 1, abs 53 30, abs 54 40", "abs 47 0, abs 53 11, abs 54 21, abs 0 11, abs 1 21",
                "abs 47 0, abs 57 -1", "abs 47 1, abs 53 31, abs 54 41, abs 0 31, abs 1 41",
                "abs 47 1, abs 57 -1, key 330 0");
    }

    @Test
    void whatADeviceDoesNotHaveIsDropped() {
        InputState keyboard = state(InputKind.KEYBOARD);
        InputSink sink = keyboard.open();
        for (int code : new int[]{ -1, 0, 249, 0x110, 0x2ff, 0x300, Integer.MAX_VALUE }) {
            sink.key(code, true);
            sink.key(code, false);
        }
        sink.pointer(1, 1, 10, 10, InputSink.LEFT);
        sink.scroll(1, 1);
        sink.touch(0, 1, 1, 10, 10, true);
        assertThat(statistics.unsupported.getAsLong()).isEqualTo(14);
        InputState touch = state(InputKind.TOUCH);
        InputSink fingers = touch.open();
        for (int finger = -1; finger <= 10; finger++) fingers.touch(finger, 1, 1, 10, 10, true);
        InputSink more = touch.open();
        more.touch(0, 1, 1, 10, 10, true);
        drain(keyboard);
        drain(touch);
        assertThat(seen.fingers).hasSize(10);
        assertThat(statistics.unsupported.getAsLong()).isEqualTo(17);
    }

    @Test
    void withoutADriverNothingIsKept() {
        InputState state = new InputState(InputKind.KEYBOARD, statistics, wakes::incrementAndGet);
        InputSink sink = state.open();
        sink.key(30, true);
        assertThat(statistics.withoutDriver.getAsLong()).isEqualTo(1);
        state.setRunning(true);
        sink.key(30, false);
        sink.key(31, true);
        state.setRunning(false);
        assertThat(state.isEmpty()).isTrue();
        state.setRunning(true);
        sink.key(31, false);
        sink.close();
        assertThat(state.isEmpty()).isTrue();
    }

    @Test
    void theLoopIsWokenOnceUntilItTakes() {
        InputState state = state(InputKind.KEYBOARD);
        InputSink sink = state.open();
        for (int key = 1; key < 100; key++) sink.key(key, true);
        assertThat(wakes).hasValue(1);
        drain(state);
        sink.close();
        assertThat(wakes).hasValue(2);
    }

    @Test
    void aFullQueueDropsPressesAndKeepsReleases() {
        InputState state = state(InputKind.KEYBOARD);
        InputSink sink = state.open();
        for (int i = 0; i < 1000; i++) {
            sink.key(30, true);
            sink.key(30, false);
        }
        sink.key(31, true);
        drain(state);
        // 1024 events: a press and its release are two each, and a press is taken with a place for its release.
        assertThat(seen.packets).hasSize(512);
        assertThat(seen.keys.isEmpty()).isTrue();
        assertThat(statistics.full.getAsLong()).isEqualTo(1000 - 256 + 1);
        sink.key(31, true);
        drain(state);
        assertThat(seen.packets.getLast()).as("it is pressed again").isEqualTo("key 31 1");
    }

    @Test
    void aFullQueueReleasesButtonsWhereThePointerWas() {
        InputState state = state(InputKind.TABLET);
        InputSink sink = state.open();
        sink.pointer(1, 1, 32768, 32768, InputSink.LEFT);
        for (int i = 2; i < 2000; i++) sink.pointer(i, i, 32768, 32768, InputSink.LEFT);
        sink.pointer(5, 5, 32768, 32768, InputSink.RIGHT);
        drain(state);
        assertThat(seen.packets.getLast()).isEqualTo("key 272 0");
        assertThat(seen.keys.isEmpty()).as("the right button was dropped").isTrue();
        sink.pointer(5, 5, 32768, 32768, InputSink.RIGHT);
        drain(state);
        assertThat(seen.packets.getLast()).isEqualTo("abs 0 5, abs 1 5, key 273 1");
    }

    /** Whatever comes and however slowly it is taken: packets are whole, and in the end nothing is pressed. */
    @ParameterizedTest
    @EnumSource
    void nothingRemainsPressed(InputKind kind) {
        Random random = new Random(SEED + kind.toString().length());
        for (int round = 0; round < 40; round++) {
            InputState state = state(kind);
            List<InputSink> sinks = new ArrayList<>(List.of(state.open(), state.open(), state.open()));
            int slow = random.nextInt(1, 200);
            for (int step = 0; step < 3000; step++) {
                InputSink sink = sinks.get(random.nextInt(sinks.size()));
                switch (kind) {
                    case KEYBOARD -> sink.key(random.nextInt(1, 249), random.nextBoolean());
                    case TABLET -> {
                        if (random.nextInt(4) == 0) {
                            sink.scroll(random.nextInt(-2, 3), random.nextInt(-2, 3));
                        } else {
                            sink.pointer(random.nextInt(50), random.nextInt(50), 50, 50, random.nextInt(64));
                        }
                    }
                    case TOUCH -> sink.touch(random.nextInt(10), random.nextInt(50), random.nextInt(50), 50, 50,
                            random.nextInt(3) > 0);
                }
                if (random.nextInt(slow) == 0) drain(state, random.nextInt(64));
                if (random.nextInt(500) == 0) {
                    sink.close();
                    sinks.set(sinks.indexOf(sink), state.open());
                }
            }
            sinks.forEach(InputSink::close);
            drain(state);
            assertThat(seen.isWhole()).isTrue();
            assertThat(seen.keys).isEqualTo(new BitSet());
            assertThat(seen.fingers).isEmpty();
            seen.packets.clear();
        }
        assertThat(statistics.full.getAsLong()).as("the queue was full").isPositive();
    }
}
