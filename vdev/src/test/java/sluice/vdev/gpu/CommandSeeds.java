package sluice.vdev.gpu;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.GpuBlobPicture;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;

/** Commands to begin fuzzing with: what drivers send, in their order, and some that no device may believe. */
final class CommandSeeds {
    private static final int RESOURCE = 1;
    private static final GpuRect ALL = GpuRect.of(64, 64);
    /** Pages above those that hold rings and commands. */
    private static final List<Buffer> BACKING = List.of(new Buffer(0x20000, 4096), new Buffer(0x30000, 4096),
            new Buffer(0x28000, 8192));

    private static final GpuBlobPicture PICTURE = GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, 64, 64);

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    static Map<String, byte[]> all() {
        Map<String, byte[]> seeds = new TreeMap<>();
        seeds.put("a-frame", drawing().send(0, GpuCommands.flush(RESOURCE, ALL)).seed());
        seeds.put("a-frame-for-a-slow-display",
                drawing().send(CommandFuzzTest.SLOW, GpuCommands.flush(RESOURCE, ALL)).seed());
        seeds.put("a-resource-removed-while-it-is-shown", drawing().send(0, GpuCommands.unref(RESOURCE))
                .send(0, GpuCommands.flush(RESOURCE, ALL)).seed());
        seeds.put("a-reset-with-a-picture", drawing().send(CommandFuzzTest.RESET, GpuCommands.unref(RESOURCE)).seed());
        seeds.put("a-cursor", new CommandSeeds().send(0, GpuCommands.createResource2d(RESOURCE, 1, 64, 64))
                .send(CommandFuzzTest.CURSOR, GpuCommands.updateCursor(1, 5, 6, RESOURCE, 1, 2))
                .send(CommandFuzzTest.CURSOR, GpuCommands.moveCursor(1, 7, 8))
                .send(CommandFuzzTest.CURSOR, GpuCommands.updateCursor(1, 0, 0, 0, 0, 0)).seed());
        seeds.put("questions", new CommandSeeds().send(0, GpuCommands.getDisplayInfo())
                .send(0, GpuCommands.getEdid(0)).send(0, GpuCommands.getEdid(16))
                .send(0, GpuCommands.bare(0x10b, GpuWire.RESOURCE_ONLY_BYTES)).seed());
        seeds.put("backing-that-comes-and-goes", drawing().send(0, GpuCommands.detachBacking(RESOURCE))
                .send(0, GpuCommands.transferToHost2d(RESOURCE, ALL, 0)).send(0, attach(1)).seed());
        seeds.put("backing-that-is-no-memory", new CommandSeeds()
                .send(0, GpuCommands.createResource2d(RESOURCE, 2, 64, 64))
                .send(0, attach(1, new Buffer(-16, 32))).send(0, attach(0x4000)).send(0, attach(-1)).seed());
        seeds.put("sides-that-overflow", new CommandSeeds()
                .send(0, GpuCommands.createResource2d(RESOURCE, 1, 16_384, 16_384))
                .send(0, GpuCommands.createResource2d(RESOURCE, 1, -1, -1))
                .send(0, GpuCommands.createResource2d(RESOURCE, 1, 512, 512))
                .send(0, GpuCommands.createResource2d(2, 1, 1, 1)).seed());
        seeds.put("rectangles-that-overflow",
                drawing().send(0, GpuCommands.flush(RESOURCE, new GpuRect(-1, 1, 2, 63)))
                        .send(0, GpuCommands.transferToHost2d(RESOURCE, ALL, -4))
                        .send(0, GpuCommands.setScanout(1, RESOURCE, new GpuRect(1, 1, -1, 64))).seed());
        seeds.put("little-room-for-answers", new CommandSeeds()
                .send(CommandFuzzTest.LITTLE_ROOM, GpuCommands.getDisplayInfo())
                .send(CommandFuzzTest.LITTLE_ROOM | 3 << 4, GpuCommands.getEdid(0))
                .send(CommandFuzzTest.LITTLE_ROOM | 15 << 4, GpuCommands.getEdid(0)).seed());
        seeds.put("less-than-a-header", new CommandSeeds().send(0, GpuCommands.bare(0x100, 20))
                .send(CommandFuzzTest.CURSOR, GpuCommands.bare(0x300, 4)).seed());
        seeds.put("a-blob-that-is-shown", blob().send(0, GpuCommands.flush(RESOURCE, ALL))
                .send(CommandFuzzTest.SLOW, GpuCommands.flush(RESOURCE, new GpuRect(8, 8, 8, 8)))
                .send(0, GpuCommands.transferToHost2d(RESOURCE, ALL, 0))
                .send(CommandFuzzTest.CURSOR, GpuCommands.updateCursor(1, 5, 6, RESOURCE, 1, 2)).seed());
        seeds.put("a-blob-removed-while-it-is-shown", blob()
                .send(CommandFuzzTest.SLOW, GpuCommands.flush(RESOURCE, ALL)).send(0, GpuCommands.unref(RESOURCE))
                .send(0, GpuCommands.flush(RESOURCE, ALL)).seed());
        seeds.put("a-blob-that-loses-its-pages", blob().send(0, GpuCommands.detachBacking(RESOURCE))
                .send(0, GpuCommands.flush(RESOURCE, ALL))
                .send(0, GpuCommands.setScanoutBlob(0, RESOURCE, ALL, PICTURE))
                .send(0, attach(BACKING.size(), BACKING.toArray(Buffer[]::new)))
                .send(0, GpuCommands.flush(RESOURCE, ALL)).seed());
        seeds.put("blobs-that-overflow", new CommandSeeds()
                .send(0, GpuCommands.createBlob(RESOURCE, 0, BACKING))
                .send(0, GpuCommands.createBlob(RESOURCE, Long.MIN_VALUE, BACKING))
                .send(0, GpuCommands.createBlob(RESOURCE, 16_385, BACKING))
                .send(0, GpuCommands.createBlob(RESOURCE, 16_384, BACKING).putInt(GpuWire.CREATE_BLOB_COUNT, -1))
                .send(0, GpuCommands.createBlob(RESOURCE, 32, List.of(new Buffer(-16, 32)))).seed());
        seeds.put("pictures-that-leave-their-blob", blob()
                .send(0, GpuCommands.setScanoutBlob(0, RESOURCE, ALL, new GpuBlobPicture(1, 64, 64, 256, -256)))
                .send(0, GpuCommands.setScanoutBlob(0, RESOURCE, ALL, new GpuBlobPicture(1, 64, 64, -1, 0)))
                .send(0, GpuCommands.setScanoutBlob(0, RESOURCE, ALL, new GpuBlobPicture(1, 64, 65, 256, 0)))
                .send(0, GpuCommands.setScanoutBlob(0, RESOURCE, ALL, new GpuBlobPicture(9, 64, 64, 256, 0)))
                .send(0, GpuCommands.setScanoutBlob(0, RESOURCE, ALL, new GpuBlobPicture(1, 64, 64, 255, 0))).seed());
        seeds.putAll(hostSeeds());
        return seeds;
    }

    private static Map<String, byte[]> hostSeeds() {
        Map<String, byte[]> seeds = new TreeMap<>();
        seeds.put("a-host-blob-that-is-shown", host().send(0, GpuCommands.mapBlob(RESOURCE, 0x10000))
                .send(0, GpuCommands.setScanoutBlob(0, RESOURCE, ALL, PICTURE))
                .send(0, GpuCommands.flush(RESOURCE, ALL)).send(0, GpuCommands.unmapBlob(RESOURCE))
                .send(CommandFuzzTest.SLOW, GpuCommands.flush(RESOURCE, ALL))
                .send(CommandFuzzTest.CURSOR, GpuCommands.updateCursor(1, 5, 6, RESOURCE, 1, 2))
                .send(0, GpuCommands.assignUuid(RESOURCE)).send(0, GpuCommands.unref(RESOURCE)).seed());
        seeds.put("host-blobs-that-make-room", host().send(0, GpuCommands.setScanoutBlob(0, RESOURCE, ALL, PICTURE))
                .send(0, GpuCommands.mapBlob(RESOURCE, 0x3000)).send(0, GpuCommands.unmapBlob(RESOURCE))
                .send(0, GpuCommands.createHostBlob(2, 1, 0, 0x8000, List.of()))
                .send(0, GpuCommands.mapBlob(2, 0x1000)).send(0, GpuCommands.flush(RESOURCE, ALL))
                .send(0, GpuCommands.mapBlob(RESOURCE, 0x4000)).send(0, GpuCommands.mapBlob(RESOURCE, -0x1000))
                .send(0, GpuCommands.mapBlob(RESOURCE, Long.MAX_VALUE & -0x1000)).seed());
        seeds.put("a-window-that-is-refused", host().send(CommandFuzzTest.REFUSING, GpuCommands.mapBlob(RESOURCE, 0))
                .send(0, GpuCommands.mapBlob(RESOURCE, 0)).send(0, GpuCommands.mapBlob(RESOURCE, 0))
                .send(CommandFuzzTest.RESET, GpuCommands.mapBlob(RESOURCE, 0)).seed());
        seeds.put("host-blobs-that-cannot-be", host()
                .send(0, GpuCommands.createHostBlob(2, 2, 0, 4096, List.of()))
                .send(0, GpuCommands.createHostBlob(2, 1, 7, 4096, List.of()))
                .send(0, GpuCommands.createHostBlob(3, 1, 7, 4096, List.of()))
                .send(0, GpuCommands.createHostBlob(3, 1, 0, 1L << 62, List.of()))
                .send(0, GpuCommands.createHostBlob(3, 1, 0, Long.MIN_VALUE, List.of()))
                .send(0, GpuCommands.createHostBlob(3, 1, 0, OneThreadGpu.WINDOW_BYTES, List.of()))
                .send(0, GpuCommands.mapBlob(3, 0)).send(0, GpuCommands.mapBlob(2, 0x10000)).seed());
        UUID none = new UUID(1, 2);
        seeds.put("objects-that-are-not-there", host().send(0, GpuCommands.nameObject(1, 7, none))
                .send(0, GpuCommands.createOfObject(2, 1, 7, 4096)).send(0, GpuCommands.nameObject(1, 7, none))
                .send(0, GpuCommands.nameObject(1, 0, none)).send(0, GpuCommands.nameObject(2, 7, none))
                .send(0, GpuCommands.nameObject(1, 8, none).putInt(GpuWire.SUBMIT_3D_SIZE, -4))
                .send(0, GpuCommands.nameObject(1, 8, none).putInt(GpuWire.SUBMIT_3D_SIZE, 24))
                .send(0, GpuCommands.nameObject(1, 8, none).putInt(GpuWire.SUBMIT_3D_BYTES, -1)).seed());
        seeds.put("bytes-for-the-host", new CommandSeeds().send(0, GpuCommands.createContext(1, GpuWire.CAPSET_OF_OURS))
                .send(0, GpuCommands.createHostBlob(RESOURCE, 1, 0, 16_384, BACKING))
                .send(0, GpuCommands.transferToHost3d(RESOURCE, 5, 9000, 7))
                .send(0, GpuCommands.transferToHost3d(RESOURCE, -1, -1, -1))
                .send(0, GpuCommands.transferToHost3d(RESOURCE, 16_383, 2, 0))
                .send(0, GpuCommands.detachBacking(RESOURCE))
                .send(0, GpuCommands.transferToHost3d(RESOURCE, 0, 1, 0)).seed());
        seeds.put("contexts",
                host().send(0, GpuCommands.createContext(1, GpuWire.CAPSET_OF_OURS))
                        .send(0, GpuCommands.createContext(2, 0))
                        .send(0, GpuCommands.createContext(3, 0x1003f))
                        .send(0, GpuCommands.ofContext(GpuWire.CMD_CTX_ATTACH_RESOURCE, 2, RESOURCE))
                        .send(0, GpuCommands.ofContext(GpuWire.CMD_CTX_DETACH_RESOURCE, 1, RESOURCE))
                        .send(0, GpuCommands.bare(GpuWire.CMD_GET_CAPSET_INFO, GpuWire.CAPSET_BYTES))
                        .send(CommandFuzzTest.LITTLE_ROOM | 4 << 4,
                                GpuCommands.bare(GpuWire.CMD_GET_CAPSET, GpuWire.CAPSET_BYTES).putInt(GpuWire.CAPSET_ID,
                                        GpuWire.CAPSET_OF_OURS))
                        .send(0, GpuCommands.destroyContext(2)).send(0, GpuCommands.destroyContext(1)).seed());
        return seeds;
    }

    /** A context with a host blob of four pages. */
    private static CommandSeeds host() {
        return new CommandSeeds().send(0, GpuCommands.createContext(1, GpuWire.CAPSET_OF_OURS))
                .send(0, GpuCommands.createHostBlob(RESOURCE, 1, 1, 16_384, List.of()));
    }

    private static CommandSeeds blob() {
        return new CommandSeeds().send(0, GpuCommands.createBlob(RESOURCE, 16_384, BACKING))
                .send(0, GpuCommands.setScanoutBlob(0, RESOURCE, ALL, PICTURE));
    }

    private static CommandSeeds drawing() {
        return new CommandSeeds().send(0, GpuCommands.createResource2d(RESOURCE, GpuWire.FORMAT_B8G8R8X8, 64, 64))
                .send(0, attach(BACKING.size(), BACKING.toArray(Buffer[]::new)))
                .send(0, GpuCommands.setScanout(0, RESOURCE, ALL))
                .send(0, GpuCommands.transferToHost2d(RESOURCE, ALL, 0));
    }

    /** ATTACH_BACKING that says it has {@code count} entries. */
    private static ByteBuffer attach(int count, Buffer... entries) {
        ByteBuffer tail = GpuCommands.entries(List.of(entries));
        return ByteBuffer.allocate(GpuWire.ATTACH_BYTES + tail.limit()).order(ByteOrder.LITTLE_ENDIAN)
                .put(GpuCommands.attachBacking(RESOURCE, count)).put(tail).flip();
    }

    private CommandSeeds send(int options, ByteBuffer command) {
        if (command.limit() >= GpuWire.HDR_BYTES) {
            command.putInt(GpuWire.HDR_FLAGS, GpuWire.FLAG_FENCE).putLong(GpuWire.HDR_FENCE, bytes.size());
        }
        bytes.write(command.limit() / 4);
        bytes.write(options);
        byte[] copy = new byte[command.limit()];
        command.get(0, copy);
        bytes.writeBytes(copy);
        return this;
    }

    private byte[] seed() {
        return bytes.toByteArray();
    }
}
