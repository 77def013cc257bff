package sluice.guest;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.vdev.device.FunctionContext;
import sluice.vdev.device.FunctionContext.Dma;
import sluice.vdev.device.PciFunction;
import sluice.vdev.io.Listener;
import sluice.vdev.pci.Bar;
import sluice.vdev.pci.ConfigLayout;
import sluice.vdev.pci.ConfigSpace;
import sluice.vdev.vfiouser.FunctionProcess;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Memory that QEMU maps for a function without a descriptor, because it is in no file: its ROMs, and RAM that is its own.
 * QEMU is asked for it by messages, and each byte is counted.
 */
class DmaMessagesQtestTest {
    private static final int VENDOR = 0x1af4;
    private static final int DEVICE = 0x10f0;
    private static final long FIRMWARE = 0xFFFF_0000L;
    private static final int FIRMWARE_BYTES = 0x1_0000;
    /** Where a q35 puts memory that is plugged in, if it has none above 4 GiB. */
    private static final long OWN = 0x1_0000_0000L;
    private static final int OWN_BYTES = 128 << 20;
    /** The most in one message. */
    private static final int MEBIBYTE = 1 << 20;
    private static final int AT_ONCE = 200;

    /** A function that does nothing by itself: the test uses its bus. */
    private static final class Probe implements PciFunction {
        private final List<Bar> bars = List.of(Bar.registers(0, 4096));
        private final ConfigSpace config = new ConfigLayout(VENDOR, DEVICE, 0xff0000, 1).bars(bars).build();
        private @Nullable FunctionContext bus;

        @Override
        public ConfigSpace config() {
            return config;
        }

        @Override
        public List<Bar> bars() {
            return bars;
        }

        @Override
        public void start(FunctionContext context) {
            bus = context;
        }

        FunctionContext bus() {
            if (bus == null) throw new IllegalStateException("no front-end has connected");
            return bus;
        }

        @Override
        public long read(int bar, long offset, int size) {
            return 0;
        }

        @Override
        public void write(int bar, long offset, int size, long value) {}

        @Override
        public void reset() {}
    }

    @TempDir
    private Path folder;

    private final Probe probe = new Probe();
    private final BlockingQueue<byte[]> read = new LinkedBlockingQueue<>();
    private final BlockingQueue<Boolean> written = new LinkedBlockingQueue<>();

    private static byte[] pattern(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) bytes[i] = (byte) (i * 37 + (i >>> 8));
        return bytes;
    }

    private Qemu machine(Path socket) throws IOException, InterruptedException {
        return new QemuLaunch(TestQemu.QEMU_11.binary()).memory(128).qtest()
                .arguments("-m", "128M,slots=1,maxmem=1G", "-object",
                        "memory-backend-ram,id=own,size=" + OWN_BYTES, "-device", "pc-dimm,memdev=own", "-device",
                        "{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"%s\"}}"
                                .formatted(socket))
                .start();
    }

    private static Dma readNow(FunctionProcess process, Probe probe, long address, byte[] target) {
        return process.onLoop(() -> probe.bus().read(address, MemorySegment.ofArray(target), 0, target.length));
    }

    /** What a function gets that asks for it; empty if it was refused. */
    private byte[] readLater(FunctionProcess process, long address, int length) throws InterruptedException {
        process.host().loop().execute(
                () -> probe.bus().readLater(address, length, bytes -> read.add(bytes == null ? new byte[0] : bytes)));
        return answer(read);
    }

    private static <T> T answer(BlockingQueue<T> answers) throws InterruptedException {
        T answer = answers.poll(10, TimeUnit.SECONDS);
        if (answer == null) throw new AssertionError("no answer within 10 s");
        return answer;
    }

    private boolean writeLater(FunctionProcess process, long address, byte[] bytes) throws InterruptedException {
        process.host().loop().execute(() -> probe.bus().writeLater(address, bytes, written::add));
        return answer(written);
    }

    @Test
    void whatIsInNoFileIsMovedByMessagesThatAreCounted() throws Exception {
        Path socket = folder.resolve("probe");
        try (FunctionProcess process = new FunctionProcess(probe); Listener _ = process.listen(socket)) {
            try (Qemu qemu = machine(socket)) {
                QtestSession guest = qemu.qtest();
                PciDevice.find(guest, VENDOR, DEVICE); // and makes it master of its bus

                // The firmware: a ROM, which can be read.
                byte[] firmware = guest.read(FIRMWARE, FIRMWARE_BYTES);
                assertThat(readNow(process, probe, FIRMWARE, new byte[16])).isEqualTo(Dma.ONLY_LATER);
                assertThat(readLater(process, FIRMWARE, FIRMWARE_BYTES)).isEqualTo(firmware);
                assertThat(readLater(process, 0xFFFF_FFF0L, 4)).as("cli, hlt, jmp")
                        .containsExactly(0xFA, 0xF4, 0xEB, 0xFD);
                assertThat(writeLater(process, FIRMWARE, new byte[16])).as("a ROM is written").isFalse();
                assertThat(messages(process)).isEqualTo(2);
                assertThat(messageBytes(process)).isEqualTo(FIRMWARE_BYTES + 4);

                // RAM of QEMU's own, which can also be written.
                byte[] bytes = pattern(MEBIBYTE);
                assertThat(writeLater(process, OWN + 12_345, bytes)).isTrue();
                assertThat(guest.read(OWN + 12_345, MEBIBYTE)).isEqualTo(bytes);
                guest.write(OWN, new byte[]{ 1, 2, 3, 4, 5 });
                assertThat(readLater(process, OWN, 5)).containsExactly(1, 2, 3, 4, 5);
                assertThat(readLater(process, OWN + 12_345, MEBIBYTE)).isEqualTo(bytes);
                assertThat(readLater(process, OWN + OWN_BYTES - 4, 8)).as("beyond its end").isEmpty();
                assertThat(messages(process)).isEqualTo(5);
                assertThat(messageBytes(process)).isEqualTo(FIRMWARE_BYTES + 4 + 2L * MEBIBYTE + 5);

                // More of it at once than the socket takes.
                byte[] piece = guest.read(OWN + 65_536, 65_536);
                process.host().loop().execute(() -> {
                    for (int i = 0; i < AT_ONCE; i++)
                        probe.bus().readLater(OWN + 65_536, 65_536, got -> read.add(got == null ? new byte[0] : got));
                });
                for (int i = 0; i < AT_ONCE; i++) assertThat(answer(read)).as("read %d", i).isEqualTo(piece);
                assertThat(messages(process)).isEqualTo(5 + AT_ONCE);

                // RAM in a file needs none of them.
                guest.write(0x1000, new byte[]{ 6, 7, 8 });
                assertThat(readLater(process, 0x1000, 3)).containsExactly(6, 7, 8);
                assertThat(messages(process)).isEqualTo(5 + AT_ONCE);
            }
            process.awaitGone();
            assertThat(process.host().space().table().mappings()).isEmpty();
        }
    }

    private static long messages(FunctionProcess process) {
        return process.onLoop(() -> process.host().statistics().messages());
    }

    private static long messageBytes(FunctionProcess process) {
        return process.onLoop(() -> process.host().statistics().messageBytes());
    }
}
