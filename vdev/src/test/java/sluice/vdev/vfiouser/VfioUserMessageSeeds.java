package sluice.vdev.vfiouser;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

import sluice.vdev.fixture.VfioUserClient;

import static sluice.vdev.fixture.VfioUserClient.body;

/** Clients to begin fuzzing with: how QEMU starts, and what none may say. */
final class VfioUserMessageSeeds {
    private static final int REPLY = 1;
    private static final int BOTH = VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE;
    private static final int MEMORY = VfioUserMessageFuzzTest.MEMORY | 1;
    private static final int EVENT = VfioUserMessageFuzzTest.EVENTS | 1;
    private static final int SET_EVENT = VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private int nextId = 1;

    private VfioUserMessageSeeds(boolean agreed) {
        bytes.write(agreed ? 1 : 0);
    }

    static Map<String, byte[]> all() {
        Map<String, byte[]> seeds = new TreeMap<>();
        seeds.put("a-start-and-an-end", agreed().map(MEMORY, 0).irqs(EVENT, SET_EVENT, VfioUserClient.LINE, 1)
                .irqs(VfioUserMessageFuzzTest.EVENTS | 4, SET_EVENT, VfioUserClient.VECTORS, 4).busMaster()
                .dma(PlainFunction.WRITE).dma(PlainFunction.READ).command(PlainFunction.ASSERT)
                .command(PlainFunction.SIGNAL + 3).ask(VfioUserClient.RESET, 0, body(0)).unmap(0)
                .irqs(0, VfioUserClient.DATA_NONE | VfioUserClient.TRIGGER, VfioUserClient.VECTORS, 0).seed());
        seeds.put("questions", agreed().ask(VfioUserClient.GET_INFO, 0, body(16).putInt(16))
                .ask(VfioUserClient.GET_REGION_INFO, 0, body(32).putInt(32).putInt(8, 2))
                .ask(VfioUserClient.GET_REGION_IO_FDS, 0, body(16).putInt(16))
                .ask(VfioUserClient.GET_IRQ_INFO, 0, body(16).putInt(16).putInt(8, 2))
                .ask(VfioUserClient.REGION_READ, 0, body(16).putLong(0).putInt(7).putInt(256))
                .ask(VfioUserClient.REGION_READ, 0, body(16).putLong(0).putInt(2).putInt(65536)).seed());
        seeds.put("what-is-posted", agreed()
                .say(VfioUserClient.REGION_WRITE, VfioUserClient.NO_REPLY, 0,
                        body(320).putLong(0).putInt(2).putInt(304))
                .say(VfioUserClient.WRITE_MULTI, VfioUserClient.NO_REPLY, 0, body(56).putLong(2)
                        .putLong(0).putInt(0).putInt(4).putLong(7).putLong(4).putInt(7).putInt(2).putLong(6))
                .say(VfioUserClient.REGION_READ, VfioUserClient.NO_REPLY, 0, body(16).putLong(0).putInt(0).putInt(64))
                .say(VfioUserClient.GET_INFO, VfioUserClient.NO_REPLY, 0, body(16))
                .say(VfioUserClient.RESET, VfioUserClient.NO_REPLY, 0, body(0)).seed());
        seeds.put("memory-in-no-file", agreed().map(0, 0).busMaster().dma(PlainFunction.READ_LATER)
                .ask(VfioUserClient.GET_INFO, 0, body(16))
                .message(0, VfioUserClient.DMA_READ, REPLY, 0, body(80).putLong(0).putLong(64))
                .dma(PlainFunction.WRITE_LATER)
                .message(1, VfioUserClient.DMA_WRITE, REPLY, 0, body(16).putLong(0).putLong(64)).seed());
        seeds.put("maps-that-come-and-go", agreed().map(MEMORY, 0).map(MEMORY, 0).map(MEMORY, 1L << 32).unmap(0)
                .map(MEMORY, 0).ask(VfioUserClient.DMA_UNMAP, 0, body(24).putInt(24).putInt(2)).seed());
        seeds.put("maps-of-what-is-no-memory", agreed().map(EVENT, 0).map(VfioUserMessageFuzzTest.SOCKETS | 1, 0)
                .map(MEMORY, 4095).map(MEMORY, -4096).seed());
        seeds.put("a-map-of-almost-everything", agreed().ask(VfioUserClient.DMA_MAP, 0,
                body(32).putInt(32).putInt(BOTH).putLong(0).putLong(0x60L << 48).putLong(1L << 56)).seed());
        seeds.put("interrupts-of-all-kinds", agreed().irqs(EVENT, SET_EVENT, VfioUserClient.LINE, 1)
                .irqs(EVENT, VfioUserClient.DATA_EVENTFD | VfioUserClient.UNMASK, VfioUserClient.LINE, 1)
                .irqs(0, VfioUserClient.DATA_NONE | VfioUserClient.MASK, VfioUserClient.LINE, 1)
                .irqs(0, VfioUserClient.DATA_NONE | VfioUserClient.UNMASK, VfioUserClient.LINE, 1)
                .irqs(0, VfioUserClient.DATA_NONE | VfioUserClient.TRIGGER, VfioUserClient.VECTORS, 4)
                .ask(VfioUserClient.SET_IRQS, 0, body(24).putInt(24).putInt(0x22).putInt(2).putInt(0).putInt(4).put(
                        new byte[]{ 1, 0, 1, 1 }))
                .irqs(MEMORY, SET_EVENT, VfioUserClient.VECTORS, 1).seed());
        seeds.put("accesses-beyond-a-region", agreed()
                .ask(VfioUserClient.REGION_READ, 0, body(16).putLong(-1).putInt(0).putInt(4))
                .ask(VfioUserClient.REGION_WRITE, 0, body(20).putLong(Long.MAX_VALUE).putInt(7).putInt(4))
                .ask(VfioUserClient.REGION_READ, 0, body(16).putLong(0).putInt(9).putInt(-1)).seed());
        seeds.put("descriptors-nobody-asked-for", agreed().ask(VfioUserClient.GET_INFO,
                VfioUserMessageFuzzTest.SOCKETS | 9, body(16)).map(VfioUserMessageFuzzTest.MEMORY | 3, 0).seed());
        seeds.put("bodies-too-short", agreed().ask(VfioUserClient.DMA_MAP, MEMORY, body(31))
                .ask(VfioUserClient.SET_IRQS, EVENT, body(19)).ask(VfioUserClient.WRITE_MULTI, 0, body(8).putLong(1))
                .ask(999, 0, body(3)).seed());
        seeds.put("a-version-of-its-own", new VfioUserMessageSeeds(false).ask(VfioUserClient.VERSION, 0,
                body(4 + 17).putInt(0).put("{\"capabilities\":".getBytes(StandardCharsets.UTF_8))).seed());
        seeds.put("no-version-first", new VfioUserMessageSeeds(false).map(MEMORY, 0).seed());
        seeds.put("a-message-too-long", agreed().header(0, 5, VfioUserClient.REGION_WRITE, (2 << 20), 0).seed());
        seeds.put("another-type", agreed().header(0, 5, VfioUserClient.REGION_READ, 16, 2).seed());
        seeds.put("half-a-message", agreed().header(EVENT, 5, VfioUserClient.DMA_MAP, 48, 0).seed());
        return seeds;
    }

    private static VfioUserMessageSeeds agreed() {
        return new VfioUserMessageSeeds(true);
    }

    private VfioUserMessageSeeds map(int fds, long address) {
        return ask(VfioUserClient.DMA_MAP, fds, body(32).putInt(32).putInt(BOTH).putLong(0).putLong(address)
                .putLong(VfioUserMessageFuzzTest.MEMORY_BYTES));
    }

    private VfioUserMessageSeeds unmap(long address) {
        return ask(VfioUserClient.DMA_UNMAP, 0, body(24).putInt(24).putInt(0).putLong(address)
                .putLong(VfioUserMessageFuzzTest.MEMORY_BYTES));
    }

    private VfioUserMessageSeeds irqs(int fds, int flags, int index, int count) {
        return ask(VfioUserClient.SET_IRQS, fds,
                body(20).putInt(20).putInt(flags).putInt(index).putInt(0).putInt(count));
    }

    private VfioUserMessageSeeds busMaster() {
        return write(VfioUserClient.CONFIG_REGION, 4, 6);
    }

    private VfioUserMessageSeeds dma(int command) {
        return write(0, PlainFunction.LENGTH, 64).command(command);
    }

    private VfioUserMessageSeeds command(int command) {
        return write(0, PlainFunction.COMMAND, command);
    }

    private VfioUserMessageSeeds write(int region, long offset, int value) {
        return ask(VfioUserClient.REGION_WRITE, 0, body(20).putLong(offset).putInt(region).putInt(4).putInt(value));
    }

    private VfioUserMessageSeeds ask(int command, int fds, ByteBuffer body) {
        return say(command, 0, fds, body);
    }

    private VfioUserMessageSeeds say(int command, int flags, int fds, ByteBuffer body) {
        return message(nextId++, command, flags, fds, body);
    }

    private VfioUserMessageSeeds message(int id, int command, int flags, int fds, ByteBuffer body) {
        header(fds, id, command, VfioUserFormat.HEADER_BYTES + body.capacity(), flags);
        byte[] content = new byte[body.capacity()];
        body.get(0, content);
        bytes.writeBytes(content);
        return this;
    }

    private VfioUserMessageSeeds header(int fds, int id, int command, int size, int flags) {
        bytes.write(fds);
        bytes.writeBytes(
                body(16).putShort((short) id).putShort((short) command).putInt(size).putInt(flags).putInt(0).array());
        return this;
    }

    private byte[] seed() {
        return bytes.toByteArray();
    }
}
