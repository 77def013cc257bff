package sluice.vdev.input;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/** The configuration space as a driver asks for it; numbers are those of the specification (virtio 1.3 §5.8.4). */
class InputConfigTest {
    private static final int BYTES = 136;

    private static byte[] ask(InputConfig config, int select, int subsel) {
        config.write(0, new byte[]{ (byte) select });
        config.write(1, new byte[]{ (byte) subsel });
        byte[] all = new byte[BYTES];
        config.read(0, all);
        assertThat(all[0]).isEqualTo((byte) select);
        assertThat(all[1]).isEqualTo((byte) subsel);
        assertThat(Arrays.copyOfRange(all, 3, 8)).as("reserved").containsOnly(0);
        int size = all[2] & 0xff;
        for (int i = 8 + size; i < BYTES; i++) assertThat(all[i]).as("behind the answer").isZero();
        return Arrays.copyOfRange(all, 8, 8 + size);
    }

    private static BitSet bits(InputConfig config, int select, int subsel) {
        return BitSet.valueOf(ask(config, select, subsel));
    }

    private static int[] little(byte[] answer, int bytes) {
        ByteBuffer numbers = ByteBuffer.wrap(answer).order(ByteOrder.LITTLE_ENDIAN);
        int[] values = new int[answer.length / bytes];
        for (int i = 0; i < values.length; i++)
            values[i] = bytes == 2 ? Short.toUnsignedInt(numbers.getShort()) : numbers.getInt();
        return values;
    }

    @Test
    void aKeyboardDescribesItself() {
        InputConfig config = new InputConfig(InputKind.KEYBOARD, "S-1 é");
        assertThat(new String(ask(config, 1, 0), StandardCharsets.UTF_8)).isEqualTo("Sluice Keyboard");
        assertThat(new String(ask(config, 2, 0), StandardCharsets.UTF_8)).isEqualTo("S-1 é");
        assertThat(little(ask(config, 3, 0), 2)).as("bus, vendor, product, version").containsExactly(6, 0, 1, 1);
        assertThat(ask(config, 0x10, 0)).as("properties").isEmpty();
        BitSet keys = bits(config, 0x11, 1);
        assertThat(keys.cardinality()).isEqualTo(248);
        assertThat(keys.nextSetBit(0)).isEqualTo(1);
        assertThat(keys.length()).isEqualTo(249);
        assertThat(bits(config, 0x11, 0x11).stream()).as("lights").containsExactly(0, 1, 2, 3, 4);
        assertThat(ask(config, 0x11, 0x14)).as("repeats by itself").hasSize(1);
        assertThat(ask(config, 0x11, 2)).as("no relative axes").isEmpty();
        assertThat(ask(config, 0x11, 3)).as("no absolute axes").isEmpty();
    }

    @Test
    void aTabletDescribesItself() {
        InputConfig config = new InputConfig(InputKind.TABLET, "");
        assertThat(ask(config, 2, 0)).as("no serial number").isEmpty();
        assertThat(little(ask(config, 3, 0), 2)).containsExactly(6, 0, 2, 1);
        assertThat(bits(config, 0x11, 1).stream()).containsExactly(0x110, 0x111, 0x112, 0x113, 0x114);
        assertThat(bits(config, 0x11, 2).stream()).as("wheels").containsExactly(6, 8);
        assertThat(bits(config, 0x11, 3).stream()).containsExactly(0, 1);
        for (int axis = 0; axis < 2; axis++)
            assertThat(little(ask(config, 0x12, axis), 4)).containsExactly(0, 32767, 0, 0, 0);
        assertThat(ask(config, 0x12, 2)).as("an axis that it does not have").isEmpty();
    }

    @Test
    void aTouchscreenDescribesItself() {
        InputConfig config = new InputConfig(InputKind.TOUCH, "");
        assertThat(bits(config, 0x10, 0).stream()).as("INPUT_PROP_DIRECT").containsExactly(1);
        assertThat(bits(config, 0x11, 1).stream()).as("BTN_TOUCH").containsExactly(0x14a);
        assertThat(bits(config, 0x11, 3).stream()).containsExactly(0, 1, 0x2f, 0x35, 0x36, 0x39);
        assertThat(little(ask(config, 0x12, 0x2f), 4)).as("slots").containsExactly(0, 9, 0, 0, 0);
        assertThat(little(ask(config, 0x12, 0x39), 4)).containsExactly(0, 65535, 0, 0, 0);
        assertThat(little(ask(config, 0x12, 0x35), 4)).containsExactly(0, 32767, 0, 0, 0);
    }

    @ParameterizedTest
    @EnumSource
    void whatItDoesNotHaveIsOfNoBytes(InputKind kind) {
        InputConfig config = new InputConfig(kind, "");
        for (int select : new int[]{ 0, 4, 0x0f, 0x13, 0x80, 0xff }) {
            for (int subsel = 0; subsel < 256; subsel++) assertThat(ask(config, select, subsel)).isEmpty();
        }
        for (int subsel = 1; subsel < 256; subsel++) {
            assertThat(ask(config, 1, subsel)).isEmpty();
            assertThat(ask(config, 3, subsel)).isEmpty();
        }
        assertThat(ask(config, 0x11, 0)).as("EV_SYN").isEmpty();
    }

    /** QEMU writes all of it, with the answers that it read last. */
    @Test
    void onlyWhatIsAskedForIsWritten() {
        InputConfig config = new InputConfig(InputKind.TABLET, "");
        byte[] all = new byte[BYTES];
        Arrays.fill(all, (byte) 0x5a);
        all[0] = 0x12;
        all[1] = 1;
        config.write(0, all);
        assertThat(little(ask(config, 0x12, 1), 4)).containsExactly(0, 32767, 0, 0, 0);
        config.write(2, new byte[]{ 1, 2, 3 });
        config.write(BYTES, new byte[]{ 1 });
        config.write(-5, new byte[]{ 1, 1, 1, 1, 1 });
        config.write(Integer.MAX_VALUE, new byte[]{ 1, 2, 3 });
        config.write(0, new byte[0]);
        byte[] asked = new byte[2];
        config.read(0, asked);
        assertThat(asked).containsExactly(0x12, 1);
        config.write(-1, new byte[]{ 9, 1, 0 });
        config.read(0, asked);
        assertThat(asked).containsExactly(1, 0);
    }

    @Test
    void partsAreThoseOfTheWhole() {
        InputConfig config = new InputConfig(InputKind.KEYBOARD, "");
        config.write(0, new byte[]{ 0x11, 1 });
        byte[] all = new byte[BYTES];
        config.read(0, all);
        for (int offset = 0; offset < BYTES; offset++) {
            byte[] one = new byte[1];
            config.read(offset, one);
            assertThat(one[0]).isEqualTo(all[offset]);
        }
        byte[] beyond = new byte[]{ 7, 7, 7, 7 };
        config.read(BYTES - 2, beyond);
        assertThat(Arrays.copyOfRange(beyond, 2, 4)).containsOnly(0);
        config.read(Integer.MAX_VALUE - 1, beyond);
        assertThat(beyond).containsOnly(0);
        config.reset();
        config.read(0, all);
        assertThat(all).containsOnly(0);
    }

    @Test
    void aSerialNumberThatDoesNotFitIsRefused() {
        assertThat(ask(new InputConfig(InputKind.TOUCH, "x".repeat(128)), 2, 0)).hasSize(128);
        assertThatIllegalArgumentException().isThrownBy(() -> new InputConfig(InputKind.TOUCH, "x".repeat(129)));
    }

    /** libinput maps an axis to a screen as value × pixels / 32768. */
    @Test
    void aPixelIsFoundOnAScreenOfTheSameSize() {
        for (int pixels : new int[]{ 1, 2, 3, 640, 800, 1080, 1366, 1920, 3840, 8192, 16384 }) {
            for (int pixel = 0; pixel < pixels; pixel++) {
                int position = InputKind.position(pixel, pixels);
                assertThat(position).isBetween(0, 32767);
                assertThat(position * pixels / 32768).isEqualTo(pixel);
            }
        }
        assertThat(InputKind.position(-7, 100)).isEqualTo(InputKind.position(0, 100));
        assertThat(InputKind.position(Integer.MAX_VALUE, 100)).isEqualTo(InputKind.position(99, 100));
        for (int raw : new int[]{ 0, 1, 16384, 32767 }) assertThat(InputKind.position(raw, 32768)).isEqualTo(raw);
        assertThat(InputKind.position(Integer.MAX_VALUE - 1, Integer.MAX_VALUE)).isEqualTo(32767);
    }
}
