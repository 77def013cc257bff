package sluice.vdev.gpu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.CommandQueue;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuResponse;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GuestVariant;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Every 2D command, right and wrong, and its answer. All cases run against one device in no particular order: a command
 * that is refused must leave no trace.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CommandLoopbackTest {
    private static final int W = 64;
    private static final int H = 32;
    private static final GpuRect ALL = GpuRect.of(W, H);
    /** Exists, has backing of its size, is shown on scan-out 0. */
    private static final int SHOWN = 1;
    /** Exists, has no backing. */
    private static final int BARE = 2;
    /** Exists, its backing is one page. */
    private static final int SHORT = 3;
    private static final int UNKNOWN = 77;

    private AttachedGpu gpu;
    private Canvas canvas;
    private int[] picture;

    /** A command and what it is answered with. */
    record Case(String name, ByteBuffer command, int response) {
        @Override
        public String toString() {
            return name;
        }
    }

    /** What the guest is like. */
    GuestVariant guest() {
        return GuestVariant.USUAL;
    }

    @BeforeAll
    void start() throws IOException {
        gpu = AttachedGpu.start(guest());
        canvas = gpu.canvas(SHOWN, GpuWire.FORMAT_B8G8R8X8, W, H);
        picture = canvas.drawNoise(1);
        canvas.transfer();
        canvas.show(0);
        canvas.flush();
        gpu.driver().createResource2d(BARE, GpuWire.FORMAT_B8G8R8X8, W, H).ok();
        gpu.driver().createResource2d(SHORT, GpuWire.FORMAT_B8G8R8X8, W, H).ok();
        gpu.driver().attachBacking(SHORT, List.of(gpu.ram().allocate(4096))).ok();
    }

    @AfterAll
    void end() throws IOException {
        canvas.flush();
        gpu.display().await(Update.class, 2);
        assertThat(gpu.display().picture(0).pixels()).as("the picture after all that was refused").isEqualTo(picture);
        gpu.close();
    }

    static Stream<Case> refused() {
        int bad = GpuWire.RESP_ERR_INVALID_PARAMETER;
        int noResource = GpuWire.RESP_ERR_INVALID_RESOURCE_ID;
        int noScanout = GpuWire.RESP_ERR_INVALID_SCANOUT_ID;
        int tooBig = GpuWire.RESP_ERR_OUT_OF_MEMORY;
        int unspecified = GpuWire.RESP_ERR_UNSPEC;
        int format = GpuWire.FORMAT_B8G8R8X8;
        GpuRect wide = new GpuRect(0, 0, W + 1, H);
        GpuRect low = new GpuRect(0, 1, W, H);
        GpuRect wraps = new GpuRect(-16, 0, 32, 1);
        GpuRect huge = new GpuRect(0, 0, -1, -1);
        return Stream.of(new Case("create 0", GpuCommands.createResource2d(0, format, 1, 1), noResource),
                new Case("create an id in use", GpuCommands.createResource2d(SHOWN, format, 1, 1), noResource),
                new Case("create format 0", GpuCommands.createResource2d(9, 0, 1, 1), bad),
                new Case("create format 5", GpuCommands.createResource2d(9, 5, 1, 1), bad),
                new Case("create format -1", GpuCommands.createResource2d(9, -1, 1, 1), bad),
                new Case("create no columns", GpuCommands.createResource2d(9, format, 0, 1), bad),
                new Case("create no rows", GpuCommands.createResource2d(9, format, 1, 0), bad),
                new Case("create 2^32-1 squared", GpuCommands.createResource2d(9, format, -1, -1), tooBig),
                new Case("create 2^31 rows", GpuCommands.createResource2d(9, format, 1, 1 << 31), tooBig),
                new Case("create 16385 columns", GpuCommands.createResource2d(9, format, 16_385, 1), tooBig),
                new Case("create 1 GiB", GpuCommands.createResource2d(9, format, 16_384, 16_384), tooBig),
                new Case("unref 0", GpuCommands.unref(0), noResource),
                new Case("unref unknown", GpuCommands.unref(UNKNOWN), noResource),
                new Case("scan-out 16", GpuCommands.setScanout(16, SHOWN, ALL), noScanout),
                new Case("scan-out -1", GpuCommands.setScanout(-1, SHOWN, ALL), noScanout),
                new Case("scan-out 16 off", GpuCommands.setScanout(16, 0, ALL), noScanout),
                new Case("scan-out of unknown", GpuCommands.setScanout(0, UNKNOWN, ALL), noResource),
                new Case("scan-out too wide", GpuCommands.setScanout(0, SHOWN, wide), bad),
                new Case("scan-out too low", GpuCommands.setScanout(0, SHOWN, low), bad),
                new Case("scan-out wraps", GpuCommands.setScanout(0, SHOWN, wraps), bad),
                new Case("scan-out of nothing", GpuCommands.setScanout(0, SHOWN, GpuRect.of(0, H)), bad),
                new Case("flush unknown", GpuCommands.flush(UNKNOWN, ALL), noResource),
                new Case("flush 0", GpuCommands.flush(0, ALL), noResource),
                new Case("flush too wide", GpuCommands.flush(SHOWN, wide), bad),
                new Case("flush too low", GpuCommands.flush(SHOWN, low), bad),
                new Case("flush wraps", GpuCommands.flush(SHOWN, wraps), bad),
                new Case("flush huge", GpuCommands.flush(SHOWN, huge), bad),
                new Case("transfer unknown", GpuCommands.transferToHost2d(UNKNOWN, ALL, 0), noResource),
                new Case("transfer without backing", GpuCommands.transferToHost2d(BARE, ALL, 0), noResource),
                new Case("transfer too wide", GpuCommands.transferToHost2d(SHOWN, wide, 0), bad),
                new Case("transfer too low", GpuCommands.transferToHost2d(SHOWN, low, 0), bad),
                new Case("transfer wraps", GpuCommands.transferToHost2d(SHOWN, wraps, 0), bad),
                new Case("transfer beyond the backing", GpuCommands.transferToHost2d(SHOWN, ALL, 4), bad),
                new Case("transfer at offset -1", GpuCommands.transferToHost2d(SHOWN, ALL, -1), bad),
                new Case("transfer at offset 2^63-1", GpuCommands.transferToHost2d(SHOWN, ALL, Long.MAX_VALUE), bad),
                new Case("transfer more than is attached", GpuCommands.transferToHost2d(SHORT, ALL, 0), bad),
                new Case("attach to unknown", attach(UNKNOWN, new Buffer(0x100000, 4096)), noResource),
                new Case("attach where backing is", attach(SHOWN, new Buffer(0x100000, 4096)), unspecified),
                new Case("attach what is no memory", attach(BARE, new Buffer(0x7000_0000_0000L, 4096)), unspecified),
                new Case("attach over the end", attach(BARE, new Buffer((16 << 20) - 4096, 8192)), unspecified),
                new Case("attach around 2^64", attach(BARE, new Buffer(-4096, 8192)), unspecified),
                new Case("attach 4 GiB", attach(BARE, new Buffer(0, 0xffff_f000L)), unspecified),
                new Case("attach fewer than counted",
                        attach(BARE, new Buffer(0x100000, 4096)).putInt(GpuWire.ATTACH_COUNT, 2), bad),
                new Case("attach 2^32-1 entries", GpuCommands.attachBacking(BARE, -1), unspecified),
                new Case("detach unknown", GpuCommands.detachBacking(UNKNOWN), noResource),
                new Case("detach what is bare", GpuCommands.detachBacking(BARE), noResource),
                new Case("EDID of scan-out 16", GpuCommands.getEdid(16), noScanout),
                new Case("EDID of scan-out -1", GpuCommands.getEdid(-1), noScanout),
                new Case("a cursor here", GpuCommands.updateCursor(0, 0, 0, SHOWN, 0, 0), unspecified),
                new Case("a cursor move here", GpuCommands.moveCursor(0, 0, 0), unspecified),
                new Case("type 0", GpuCommands.bare(0, 64), unspecified),
                new Case("GET_CAPSET_INFO", GpuCommands.bare(0x108, 32), unspecified),
                new Case("a response as command", GpuCommands.bare(0x1100, 24), unspecified),
                new Case("type -1", GpuCommands.bare(-1, 4096), unspecified));
    }

    private static ByteBuffer attach(int resource, Buffer... entries) {
        return together(GpuCommands.attachBacking(resource, entries.length), GpuCommands.entries(List.of(entries)));
    }

    private static ByteBuffer together(ByteBuffer head, ByteBuffer tail) {
        return ByteBuffer.allocate(head.remaining() + tail.remaining()).order(ByteOrder.LITTLE_ENDIAN).put(head)
                .put(tail).flip();
    }

    @ParameterizedTest
    @MethodSource("refused")
    void wrongCommandsAreRefusedByName(Case wrong) throws IOException {
        GpuResponse response = gpu.driver().call(wrong.command());
        assertThat(Integer.toHexString(response.type())).isEqualTo(Integer.toHexString(wrong.response()));
        assertThat(response.written()).isEqualTo(GpuWire.HDR_BYTES);
    }

    static Stream<Case> wellFormed() {
        return Stream.of(new Case("display info", GpuCommands.getDisplayInfo(), 0),
                new Case("create", GpuCommands.createResource2d(9, GpuWire.FORMAT_B8G8R8X8, 1, 1), 0),
                new Case("unref", GpuCommands.unref(SHOWN), 0),
                new Case("scan-out", GpuCommands.setScanout(0, SHOWN, ALL), 0),
                new Case("flush", GpuCommands.flush(SHOWN, ALL), 0),
                new Case("transfer", GpuCommands.transferToHost2d(SHOWN, ALL, 0), 0),
                new Case("attach", GpuCommands.attachBacking(BARE, 0), 0),
                new Case("detach", GpuCommands.detachBacking(SHOWN), 0), new Case("EDID", GpuCommands.getEdid(0), 0));
    }

    @ParameterizedTest
    @MethodSource("wellFormed")
    void aCommandCutShortIsRefusedAtEveryLength(Case good) throws IOException {
        for (int length = GpuWire.HDR_BYTES; length < good.command().limit(); length += 4) {
            ByteBuffer cut = good.command().duplicate().order(ByteOrder.LITTLE_ENDIAN).limit(length);
            gpu.driver().call(cut).requireType(GpuWire.RESP_ERR_UNSPEC);
        }
        for (int length : new int[]{ 0, 1, 3, 4, 23 }) {
            ByteBuffer cut = good.command().duplicate().order(ByteOrder.LITTLE_ENDIAN).limit(length);
            CommandQueue.Ticket ticket = gpu.driver().control().send(cut, GpuWire.HDR_BYTES);
            ByteBuffer answer = gpu.driver().control().await(ticket);
            assertThat(answer.getInt(GpuWire.HDR_TYPE)).isEqualTo(GpuWire.RESP_ERR_UNSPEC);
            assertThat(answer.getInt(GpuWire.HDR_FLAGS)).as("no fence without a whole header").isZero();
        }
    }

    @Test
    void trailingBytesAreIgnored() throws IOException {
        ByteBuffer flush = together(GpuCommands.flush(SHORT, ALL), ByteBuffer.allocate(1000));
        gpu.driver().call(flush).ok();
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, 1, 10, 23 })
    void anAnswerIsCutToItsRoom(int room) throws IOException {
        ByteBuffer command = GpuCommands.unref(UNKNOWN).putInt(GpuWire.HDR_FLAGS, GpuWire.FLAG_FENCE)
                .putLong(GpuWire.HDR_FENCE, 0x1122_3344_5566_7788L);
        ByteBuffer full = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN)
                .putInt(0, GpuWire.RESP_ERR_INVALID_RESOURCE_ID).putInt(4, GpuWire.FLAG_FENCE)
                .putLong(8, 0x1122_3344_5566_7788L);
        ByteBuffer answer = gpu.driver().control().await(gpu.driver().control().send(command, room));
        assertThat(answer).isEqualTo(full.limit(room));
        ByteBuffer info = gpu.driver().control()
                .await(gpu.driver().control().send(GpuCommands.getDisplayInfo(), room));
        assertThat(info.limit()).isEqualTo(room);
    }

    @Test
    void fencesComeBackAndNothingElseDoes() throws IOException {
        ByteBuffer fenced = GpuCommands.flush(SHORT, ALL)
                .putInt(GpuWire.HDR_FLAGS, GpuWire.FLAG_FENCE | GpuWire.FLAG_INFO_RING_IDX)
                .putLong(GpuWire.HDR_FENCE, -2).putInt(GpuWire.HDR_CONTEXT, 0xabcdef).put(GpuWire.HDR_RING, (byte) 63);
        GpuDriver plain = gpu.anotherDriver();
        GpuResponse response = plain.call(fenced.duplicate().order(ByteOrder.LITTLE_ENDIAN)).ok();
        assertThat(response.flags() & GpuWire.FLAG_FENCE).isEqualTo(GpuWire.FLAG_FENCE);
        assertThat(response.fence()).isEqualTo(-2);
        assertThat(response.context()).isEqualTo(0xabcdef);
        assertThat(response.ring()).isEqualTo(63);
        GpuResponse unfenced = plain.call(fenced.putInt(GpuWire.HDR_FLAGS, 0)).ok();
        assertThat(unfenced.flags()).isZero();
        assertThat(unfenced.fence()).isZero();
        for (ByteBuffer question : List.of(GpuCommands.getDisplayInfo(), GpuCommands.getEdid(0))) {
            question.putInt(GpuWire.HDR_FLAGS, GpuWire.FLAG_FENCE).putLong(GpuWire.HDR_FENCE, 99);
            assertThat(plain.call(question, GpuWire.EDID_BYTES).fence()).isEqualTo(99);
        }
    }

    @Test
    void manyInFlightAreAnsweredInTheirOrder() throws IOException {
        List<GpuDriver.Pending> sent = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            sent.add(gpu.driver().add(i % 3 == 0 ? GpuCommands.getDisplayInfo() : GpuCommands.flush(SHORT, ALL),
                    GpuWire.DISPLAY_INFO_BYTES));
        }
        gpu.driver().control().publish();
        // The last is done only when all before it are: each can be taken at once then.
        gpu.driver().await(sent.getLast());
        for (GpuDriver.Pending pending : sent) {
            assertThat(pending.ticket().done()).isTrue();
        }
    }

    @Test
    void backingOf16384EntriesAndNotOneMore() throws IOException {
        gpu.driver().createResource2d(20, GpuWire.FORMAT_B8G8R8X8, 512, 32).ok();
        Buffer memory = gpu.ram().allocate(4 * 16_384);
        List<Buffer> backwards = IntStream.range(0, 16_384).mapToObj(i -> new Buffer(memory.address() + 4L * i, 4))
                .toList().reversed();
        List<Buffer> more = new ArrayList<>(backwards);
        more.add(memory);
        gpu.driver().attachBacking(20, more).requireType(GpuWire.RESP_ERR_UNSPEC);
        gpu.driver().attachBacking(20, backwards).ok();
        gpu.driver().transferToHost2d(20, GpuRect.of(512, 32), 0).ok();
        gpu.driver().transferToHost2d(20, GpuRect.of(512, 32), 4).requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
        gpu.driver().unref(20).ok();
        gpu.ram().free(memory);
    }

    @Test
    void emptyBackingIsBackingOfNoBytes() throws IOException {
        gpu.driver().createResource2d(21, GpuWire.FORMAT_B8G8R8X8, 1, 1).ok();
        gpu.driver().attachBacking(21, List.of()).ok();
        gpu.driver().transferToHost2d(21, GpuRect.of(1, 1), 0).requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
        gpu.driver().transferToHost2d(21, GpuRect.of(0, 0), 0).ok();
        gpu.driver().detachBacking(21).ok();
        gpu.driver().attachBacking(21, List.of(new Buffer(0x100000, 0), new Buffer(0x100000, 4))).ok();
        gpu.driver().transferToHost2d(21, GpuRect.of(1, 1), 0).ok();
        gpu.driver().unref(21).ok();
    }

    @Test
    void listsOfPagesAreLimitedAndGivenBack() throws IOException {
        Buffer memory = gpu.ram().allocate(8192);
        List<Buffer> longest = Collections.nCopies(16_384, new Buffer(memory.address(), 4096));
        int most = 7; // of the eight that fit, as the other resources have a few entries
        int first = 3000;
        for (int id = first; id < first + 64; id++) {
            gpu.driver().createResource2d(id, GpuWire.FORMAT_B8G8R8X8, 1, 1).ok();
        }
        for (int i = 0; i < most; i++) {
            gpu.driver().attachBacking(first + i, longest).ok();
        }
        gpu.driver().attachBacking(first + most, longest).requireType(GpuWire.RESP_ERR_OUT_OF_MEMORY);
        gpu.driver().attachBacking(first + most, longest.subList(0, 8192)).ok();
        canvas.transfer();
        canvas.flush();
        gpu.driver().transferToHost2d(first, GpuRect.of(1, 1), 4096 * 16_384L - 4).ok();
        gpu.driver().detachBacking(first).ok();
        gpu.driver().attachBacking(first, longest).ok();
        gpu.driver().unref(first).ok();
        gpu.driver().attachBacking(first + most + 1, longest).ok();
        gpu.driver().attachBacking(first + most + 2, longest).requireType(GpuWire.RESP_ERR_OUT_OF_MEMORY);
        // One of no bytes is not kept, so there is always room for it.
        gpu.driver().attachBacking(first + most + 2, Collections.nCopies(16_384, new Buffer(memory.address(), 0))).ok();
        for (int id = first + 1; id < first + 64; id++) {
            gpu.driver().unref(id).ok();
        }
        gpu.ram().free(memory);
    }

    @Test
    void piecesOfPagesAreLimitedFurther() throws IOException {
        Buffer memory = gpu.ram().allocate(4096);
        List<Buffer> pieces = IntStream.range(0, 16_384).mapToObj(i -> new Buffer(memory.address() + i % 1000 * 4L, 2))
                .toList();
        for (int id = 4000; id < 4003; id++) {
            gpu.driver().createResource2d(id, GpuWire.FORMAT_B8G8R8X8, 1, 1).ok();
        }
        gpu.driver().attachBacking(4000, pieces).ok();
        gpu.driver().attachBacking(4001, pieces.subList(0, 10_000)).ok();
        gpu.driver().attachBacking(4002, pieces.subList(0, 10_000)).requireType(GpuWire.RESP_ERR_OUT_OF_MEMORY);
        gpu.driver().unref(4000).ok();
        gpu.driver().attachBacking(4002, pieces.subList(0, 10_000)).ok();
        gpu.driver().unref(4001).ok();
        gpu.driver().unref(4002).ok();
        gpu.ram().free(memory);
    }

    @Test
    void memoryIsLimitedAndGivenBack() throws IOException {
        // 256 MiB are the limit; what the fixture holds is a few pages.
        int side = 4096;
        int made = 0;
        GpuResponse last;
        do {
            last = gpu.driver().createResource2d(100 + made, GpuWire.FORMAT_B8G8R8X8, side, side);
            made++;
        } while (last.type() == GpuWire.RESP_OK_NODATA);
        last.requireType(GpuWire.RESP_ERR_OUT_OF_MEMORY);
        assertThat(made - 1).as("64 MiB each").isEqualTo(3);
        gpu.driver().unref(100).ok();
        gpu.driver().createResource2d(100, GpuWire.FORMAT_B8G8R8X8, side, side).ok();
        for (int i = 0; i < 3; i++) {
            gpu.driver().unref(100 + i).ok();
        }
        for (int i = 0; i < 2000; i++) {
            gpu.driver().createResource2d(1000 + i, GpuWire.FORMAT_B8G8R8X8, 16, 16).ok();
        }
        for (int i = 1999; i >= 0; i--) {
            gpu.driver().unref(1000 + i).ok();
        }
    }
}
