package sluice.vdev.pci;

import java.util.Arrays;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Configuration space as a driver finds it. */
class ConfigSpaceTest {
    private static final long SEED = 20261121;

    private static ConfigLayout layout() {
        return new ConfigLayout(0x8086, 0x1223, 0x040000, 7);
    }

    private static void write32(ConfigSpace space, int offset, int value) {
        space.write(offset, new byte[]{ (byte) value, (byte) (value >>> 8), (byte) (value >>> 16),
                (byte) (value >>> 24) });
    }

    @Test
    void theHeaderSaysWhatTheFunctionIs() {
        ConfigSpace space = layout().subsystem(0x1234, 0x5678).interruptPin(1).build();
        assertThat(space.size()).isEqualTo(256);
        assertThat(space.u32(0)).isEqualTo(0x12238086);
        assertThat(space.u32(8)).isEqualTo(0x04000007);
        assertThat(space.u32(0x2c)).isEqualTo(0x56781234);
        assertThat(space.interruptPin()).isEqualTo(1);
        assertThat(space.u8(0x0e)).as("header type").isZero();
        assertThat(space.u16(6)).as("no capabilities").isZero();
        assertThat(space.capability(ConfigLayout.MSIX)).isZero();
    }

    @Test
    void onlyTheDriversBitsChange() {
        ConfigSpace space = layout().build();
        byte[] ones = new byte[256];
        Arrays.fill(ones, (byte) 0xff);
        space.write(0, ones);
        assertThat(space.u32(0)).isEqualTo(0x12238086);
        assertThat(space.u16(4)).isEqualTo(0x0547);
        assertThat(space.isBusMaster()).isTrue();
        assertThat(space.u16(6)).as("status").isZero();
        assertThat(space.u8(0x3c)).as("interrupt line").isEqualTo(0xff);
        assertThat(space.u32(0x10)).as("no BAR").isZero();
        space.reset();
        assertThat(space.u16(4)).isZero();
        assertThat(space.isBusMaster()).isFalse();
    }

    @Test
    void aBarTellsItsSize() {
        ConfigSpace space = layout().bars(List.of(Bar.registers(0, 4096),
                new Bar(1, Bar.Kind.IO, 32, 4, null), new Bar(2, Bar.Kind.MEMORY_64, 1L << 33, 8, null))).build();
        for (int bar = 0; bar < 6; bar++) write32(space, 0x10 + 4 * bar, -1);
        assertThat(space.u32(0x10)).isEqualTo(-4096);
        assertThat(space.u32(0x14)).isEqualTo(-32 | 1);
        assertThat(space.u32(0x18)).isEqualTo(4);
        assertThat(space.u32(0x1c)).isEqualTo(-2);
        assertThat(space.u32(0x20)).isZero();
        write32(space, 0x10, 0xfebf_1234);
        assertThat(space.u32(0x10)).isEqualTo(0xfebf_1000);
    }

    @Test
    void capabilitiesAreAList() {
        ConfigSpace space = layout().bars(List.of(Bar.registers(0, 8192))).powerManagement()
                .msix(new Msix(5, 0, 0, 4096)).express().build();
        assertThat(space.size()).isEqualTo(4096);
        assertThat(space.u16(6)).isEqualTo(0x10);
        int at = space.u8(0x34);
        assertThat(space.u8(at)).isEqualTo(ConfigLayout.POWER_MANAGEMENT);
        write32(space, at + 4, 3);
        assertThat(space.u16(at + 4) & 3).as("D3hot").isEqualTo(3);
        at = space.u8(at + 1);
        assertThat(space.u8(at)).isEqualTo(ConfigLayout.MSIX);
        assertThat(at).isEqualTo(space.capability(ConfigLayout.MSIX));
        write32(space, at, -1);
        assertThat(space.u16(at + 2)).as("enabled, masked, 5 vectors").isEqualTo(0xc004);
        assertThat(space.u32(at + 8)).isEqualTo(4096);
        at = space.u8(at + 1);
        assertThat(space.u8(at)).isEqualTo(ConfigLayout.EXPRESS);
        assertThat(space.u16(at + 2)).as("version 2, endpoint").isEqualTo(2);
        assertThat(space.u8(at + 1)).as("the last").isZero();
    }

    /** Whatever is written, a byte is what was written where the mask allows it, and what it was elsewhere. */
    @Test
    void writesOfAnyLengthAreWritesOfBytes() {
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        ConfigSpace one = layout().powerManagement().build();
        ConfigSpace other = layout().powerManagement().build();
        for (int i = 0; i < 2000; i++) {
            byte[] bytes = new byte[random.nextInt(9)];
            random.nextBytes(bytes);
            int offset = random.nextInt(256 - bytes.length + 1);
            one.write(offset, bytes);
            for (int b = 0; b < bytes.length; b++) other.write(offset + b, new byte[]{ bytes[b] });
        }
        byte[] a = new byte[256];
        byte[] b = new byte[256];
        one.read(0, a);
        other.read(0, b);
        assertThat(a).isEqualTo(b);
    }

    @Test
    void whatLiesOutsideIsRefused() {
        ConfigSpace space = layout().build();
        assertThatThrownBy(() -> space.read(253, new byte[4])).isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessageContaining("256 bytes");
        assertThatThrownBy(() -> space.write(-1, new byte[4])).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void aLayoutThatContradictsItselfIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> Bar.registers(6, 4096));
        assertThatIllegalArgumentException().isThrownBy(() -> Bar.registers(0, 5000));
        assertThatIllegalArgumentException().isThrownBy(() -> new Bar(0, Bar.Kind.IO, 512, 4, null));
        assertThatIllegalArgumentException().isThrownBy(() -> new Bar(5, Bar.Kind.MEMORY_64, 4096, 4, null));
        assertThatIllegalArgumentException().isThrownBy(() -> new Bar(0, Bar.Kind.MEMORY_32, 4096, 3, null));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> layout().bars(List.of(Bar.registers(0, 16), Bar.registers(0, 16))))
                .withMessage("BAR 0 is defined twice");
        assertThatIllegalArgumentException().isThrownBy(() -> layout()
                .bars(List.of(new Bar(0, Bar.Kind.MEMORY_64, 4096, 4, null), Bar.registers(1, 16))));
        assertThatIllegalArgumentException().isThrownBy(() -> new Msix(0, 0, 0, 4096));
        assertThatIllegalArgumentException().isThrownBy(() -> new Msix(2049, 0, 0, 65536));
        assertThatIllegalArgumentException().isThrownBy(() -> new Msix(4, 0, 0, 32)).withMessageContaining("overlap");
        assertThatIllegalArgumentException().isThrownBy(() -> layout().interruptPin(5));
    }
}
