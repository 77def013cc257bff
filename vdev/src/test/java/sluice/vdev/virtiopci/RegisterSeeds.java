package sluice.vdev.virtiopci;

import java.io.ByteArrayOutputStream;
import java.util.Map;
import java.util.TreeMap;

import sluice.vdev.fixture.QueueLayout;
import sluice.vdev.fixture.VirtioPciRegisters;

/** Drivers to begin fuzzing with: good ones, and the ways in which they go wrong. */
final class RegisterSeeds {
    private static final int QUEUE_SIZE = 4;
    private static final int DATA = 0x2000;
    private static final int WINDOW = Structures.addTo(Identity.of(EchoDevice.ID), new EchoDevice().configSize());

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    static Map<String, byte[]> all() {
        Map<String, byte[]> seeds = new TreeMap<>();
        seeds.put("a-start-and-an-answer", good().seed());
        seeds.put("a-packed-ring", new RegisterSeeds().on().features(5).descriptor(0, DATA, 64, 0x80, 0)
                .queue(0, 0).status(15).notifyQueue(0).seed());
        seeds.put("memory-that-goes-while-it-runs",
                good().step(RegisterFuzzTest.UNMAP, 1, 0).notifyQueue(0).step(RegisterFuzzTest.MAP, 1, 0)
                        .notifyQueue(0).status(0).seed());
        seeds.put("a-reset-in-the-middle", good().step(RegisterFuzzTest.RESET, 1, 0).notifyQueue(0).seed());
        seeds.put("a-queue-that-is-reset",
                good().value(RegisterFuzzTest.WRITE, 2, VirtioPciRegisters.QUEUE_RESET, 1).queue(0, 0).notifyQueue(0)
                        .seed());
        seeds.put("features-that-are-refused", new RegisterSeeds().on()
                .value(RegisterFuzzTest.WRITE, 4, VirtioPciRegisters.DRIVER_FEATURE_SELECT, 2)
                .value(RegisterFuzzTest.WRITE, 4, VirtioPciRegisters.DRIVER_FEATURE, 1).status(15).seed());
        seeds.put("a-ring-that-is-no-memory", new RegisterSeeds().on().features(1).queue(0, 0x7fff0000).status(15)
                .notifyQueue(0).seed());
        seeds.put("the-window", new RegisterSeeds().on()
                .value(RegisterFuzzTest.WRITE_CONFIG, 1, WINDOW + 4, 0)
                .value(RegisterFuzzTest.WRITE_CONFIG, 4, WINDOW + 8, VirtioPciRegisters.DEVICE_STATUS)
                .value(RegisterFuzzTest.WRITE_CONFIG, 4, WINDOW + 12, 1)
                .value(RegisterFuzzTest.WRITE_CONFIG, 4, WINDOW + 16, 3)
                .step(RegisterFuzzTest.READ_CONFIG, 4, WINDOW + 16).seed());
        seeds.put("every-register", everyRegister());
        return seeds;
    }

    private static byte[] everyRegister() {
        RegisterSeeds all = good();
        for (int offset = 0; offset < Structures.COMMON_BYTES; offset += Integer.BYTES)
            all.step(RegisterFuzzTest.READ, 4, offset).value(RegisterFuzzTest.WRITE, 4, offset, -1);
        return all.step(RegisterFuzzTest.READ, 1, Structures.ISR).step(RegisterFuzzTest.READ, 8, Structures.DEVICE)
                .value(RegisterFuzzTest.WRITE, 8, Structures.DEVICE, 1).step(RegisterFuzzTest.READ_CONFIG, 4, 0x34)
                .seed();
    }

    /** A driver that says four bytes and gets them back. */
    private static RegisterSeeds good() {
        QueueLayout layout = QueueLayout.contiguous(QUEUE_SIZE, 0, 0);
        return new RegisterSeeds().on().features(1).descriptor(0, DATA, 4, 1, 1).descriptor(1, DATA + 4, 4, 2, 0)
                .poke((int) layout.availOffset(), 1 << 16).poke((int) layout.availOffset() + 4, 0).queue(0, 0)
                .status(15).notifyQueue(0);
    }

    /** Memory space and bus master. */
    private RegisterSeeds on() {
        return value(RegisterFuzzTest.WRITE_CONFIG, 2, 4, 6);
    }

    /** @param high features from bit 32 on */
    private RegisterSeeds features(int high) {
        return value(RegisterFuzzTest.WRITE, 4, VirtioPciRegisters.DRIVER_FEATURE_SELECT, 1)
                .value(RegisterFuzzTest.WRITE, 4, VirtioPciRegisters.DRIVER_FEATURE, high).status(11);
    }

    private RegisterSeeds status(int status) {
        return value(RegisterFuzzTest.WRITE, 1, VirtioPciRegisters.DEVICE_STATUS, status);
    }

    private RegisterSeeds queue(int index, int base) {
        QueueLayout layout = QueueLayout.contiguous(QUEUE_SIZE, 0, 0);
        return value(RegisterFuzzTest.WRITE, 2, VirtioPciRegisters.QUEUE_SELECT, index)
                .value(RegisterFuzzTest.WRITE, 2, VirtioPciRegisters.QUEUE_SIZE, QUEUE_SIZE)
                .value(RegisterFuzzTest.WRITE, 4, VirtioPciRegisters.QUEUE_DESC, base)
                .value(RegisterFuzzTest.WRITE, 4, VirtioPciRegisters.QUEUE_DRIVER,
                        base + (int) layout.availAddress())
                .value(RegisterFuzzTest.WRITE, 4, VirtioPciRegisters.QUEUE_DEVICE, base + (int) layout.usedAddress())
                .value(RegisterFuzzTest.WRITE, 2, VirtioPciRegisters.QUEUE_ENABLE, 1);
    }

    private RegisterSeeds notifyQueue(int index) {
        return value(RegisterFuzzTest.WRITE, 2, Structures.NOTIFY + Structures.NOTIFY_MULTIPLIER * index, index);
    }

    private RegisterSeeds descriptor(int index, int address, int length, int flags, int next) {
        return poke(16 * index, address).poke(16 * index + 4, 0).poke(16 * index + 8, length).poke(16 * index + 12,
                flags | next << 16);
    }

    private RegisterSeeds poke(int offset, int value) {
        return value(RegisterFuzzTest.POKE, 4, offset, value);
    }

    private RegisterSeeds value(int what, int size, int offset, int value) {
        step(what, size, offset);
        for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) bytes.write(value >>> shift);
        return this;
    }

    private RegisterSeeds step(int what, int size, int offset) {
        bytes.write(what | Integer.numberOfTrailingZeros(size) << 3);
        bytes.write(offset);
        bytes.write(offset >>> 8);
        return this;
    }

    private byte[] seed() {
        return bytes.toByteArray();
    }
}
