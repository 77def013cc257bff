package sluice.vdev.input;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

import static org.assertj.core.api.Assertions.assertThat;

/** What a guest has seen of a device: it takes events one by one, and holds them to the rules of Linux's input layer. */
final class SeenInput {
    final BitSet keys = new BitSet();
    /** By slot: tracking id, x, y. */
    final Map<Integer, int[]> fingers = new TreeMap<>();
    /** The packets, each as text: {@code key 30 1}. */
    final List<String> packets = new ArrayList<>();
    private final List<String> packet = new ArrayList<>();
    private int slot;
    int x = -1;
    int y = -1;

    /** Takes an event. */
    void take(int type, int code, int value) {
        switch (type) {
            case 0 -> {
                assertThat(code).as("SYN_REPORT").isZero();
                assertThat(packet).as("a packet").isNotEmpty();
                packets.add(String.join(", ", packet));
                packet.clear();
                return;
            }
            case 1 -> {
                assertThat(value).isIn(0, 1);
                assertThat(keys.get(code)).as("key %d was pressed", code).isEqualTo(value == 0);
                keys.set(code, value == 1);
                packet.add("key %d %d".formatted(code, value));
            }
            case 2 -> packet.add("rel %d %d".formatted(code, value));
            case 3 -> {
                absolute(code, value);
                packet.add("abs %d %d".formatted(code, value));
            }
            default -> throw new AssertionError("an event of type " + type);
        }
    }

    private int[] finger() {
        return Objects.requireNonNull(fingers.get(slot), "a finger in the slot");
    }

    private void absolute(int code, int value) {
        switch (code) {
            case 0 -> x = value;
            case 1 -> y = value;
            case 0x2f -> slot = value;
            case 0x35 -> finger()[1] = value;
            case 0x36 -> finger()[2] = value;
            case 0x39 -> {
                if (value < 0) {
                    assertThat(fingers.remove(slot)).as("a finger in slot %d", slot).isNotNull();
                } else {
                    assertThat(fingers.put(slot, new int[]{ value, 0, 0 })).as("slot %d is free", slot).isNull();
                }
            }
            default -> throw new AssertionError("an axis " + code);
        }
        if (code < 0x2f) assertThat(value).isBetween(0, 32767);
    }

    /** Whether the last packet has ended. */
    boolean isWhole() {
        return packet.isEmpty();
    }
}
