package sluice.vdev.gpu;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.buffer.Opener;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.MemoryPool;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.ownership.Direction;
import sluice.vdev.fixture.GpuBlobPicture;
import sluice.vdev.fixture.GpuResponse;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.loopback.GuestVariant;
import sluice.vdev.loopback.ObjectScreen;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What a GPU shows of another device's object when its exporter moves it, revokes it, frees it, or has a smaller one of that name: what
 * is moved or freed stays as it was, what is revoked is black, and in no case is a byte shown that is not the object's.
 */
@Tag("loopback")
@Tag("S35")
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class MovedObjectLoopbackTest {
    private static final int W = 64;
    private static final int H = 48;
    private static final GpuBlobPicture PICTURE = GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, W, H);
    private static final long SIZE = PICTURE.end();
    private static final UUID NAME = UUID.fromString("c7d0a8e2-45b9-4f6e-8a31-0e9b6c2d7f15");
    private static final int BYTE_OF_OTHERS = 0x5a;
    private static final long SEED = 1305;

    private final Findings findings = new Findings();
    private final DmaCore core = DmaCore.open(DmaCoreOptions.counting(), findings);
    private ObjectScreen screen;
    private MemoryPool pool;

    @BeforeEach
    void start() throws IOException {
        screen = new ObjectScreen(core);
        pool = MemoryPool.open(FileMappings.ofProcess(), 64 * 4096, SEED, false);
        // What no picture here has: it would be seen.
        pool.file().segment().fill((byte) BYTE_OF_OTHERS);
    }

    @AfterEach
    void end() {
        screen.close();
        assertThat(core.exported().count()).isZero();
        assertThat(core.buffers()).as("buffers in the ledger").isEmpty();
        assertThat(pool.freePages()).isEqualTo(64);
        pool.close();
    }

    private DmaBuf exported(int[] rgb) throws DmaBufException {
        DmaBuf buffer = core.export("foreign", SIZE, pool);
        draw(buffer, rgb);
        core.exported().add(NAME, buffer);
        return buffer;
    }

    /** As its exporter's CPU. */
    private static void draw(DmaBuf buffer, int[] rgb) throws DmaBufException {
        try (Opener opener = buffer.open("exporter"); var access = opener.begin(0, SIZE, Direction.TO_DEVICE)) {
            ByteBuffer bytes = ByteBuffer.allocate((int) SIZE).order(ByteOrder.LITTLE_ENDIAN);
            bytes.asIntBuffer().put(rgb);
            access.write(0, bytes.array(), 0, (int) SIZE);
        }
    }

    private static int[] noise(int seed) {
        return Canvas.noise(W * H, seed);
    }

    private void ends(DmaBuf buffer) {
        core.exported().remove(NAME);
        buffer.release();
    }

    @Test
    void whatIsMovedIsShownAsBefore() throws Exception {
        int[] first = noise(1);
        DmaBuf buffer = exported(first);
        screen.show(NAME, SIZE, PICTURE);
        assertThat(screen.flushed()).isEqualTo(first);
        for (int i = 2; i < 6; i++) {
            buffer.move();
            assertThat(screen.mapped()).as("the GPU has let go of it").isZero();
            assertThat(screen.seenByANewDisplay()).isEqualTo(noise(i - 1));
            int[] next = noise(i);
            draw(buffer, next);
            assertThat(screen.flushed()).isEqualTo(next);
        }
        assertThat(findings.errors()).isEmpty();
        screen.drop();
        ends(buffer);
    }

    /** The exporter moves on a thread of its own, whatever the GPU does meanwhile: each flush is done, and each picture is whole. */
    @Test
    void movesDuringFlushesAreNotSeen() throws Exception {
        int[] only = noise(1);
        DmaBuf buffer = exported(only);
        screen.show(NAME, SIZE, PICTURE);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        AtomicInteger moves = new AtomicInteger();
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        Thread mover = Thread.ofPlatform().start(() -> {
            try {
                while (!Thread.interrupted()) {
                    for (int n = random.nextInt(20_000); n > 0; n--) Thread.onSpinWait();
                    buffer.move();
                    moves.incrementAndGet();
                }
            } catch (DmaBufException e) {
                failure.set(e);
            }
        });
        try {
            for (int i = 0; i < 300 || moves.get() < 300; i++)
                assertThat(screen.flushed()).as("flush %d", i).isEqualTo(only);
        } finally {
            mover.interrupt();
            mover.join();
        }
        assertThat(failure.get()).isNull();
        assertThat(findings.all()).isEmpty();
        screen.drop();
        ends(buffer);
    }

    @Test
    void whatIsRevokedIsBlackAndNothingElse() throws Exception {
        int[] first = noise(1);
        DmaBuf buffer = exported(first);
        screen.show(NAME, SIZE, PICTURE);
        assertThat(screen.flushed()).isEqualTo(first);
        buffer.revoke();
        pool.file().segment().fill((byte) BYTE_OF_OTHERS);
        assertThat(screen.last()).as("until somebody looks").isEqualTo(first);
        assertThat(screen.seenByANewDisplay()).containsOnly(0);
        screen.flush().requireType(GpuWire.RESP_ERR_UNSPEC);
        assertThat(findings.errors()).extracting(Finding::rule).containsExactly(Rule.SHOWN_WITHOUT_MEMORY);
        screen.drop();
        ends(buffer);
    }

    /** Objects of one name are revoked at any moment of a flush, and come again: each flush is done or refused, and nothing crashes. */
    @Test
    void revocationsDuringFlushesAreBlackOrNotYet() throws Exception {
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        int[] shown = noise(1);
        int refused = 0;
        for (int i = 0; i < 60; i++) {
            DmaBuf buffer = exported(shown);
            if (i == 0) screen.show(NAME, SIZE, PICTURE);
            assertThat(screen.flushed()).as("object %d", i).isEqualTo(shown);
            long spins = random.nextInt(200_000);
            Thread exporter = Thread.ofPlatform().start(() -> {
                for (long n = 0; n < spins; n++) Thread.onSpinWait();
                buffer.revoke();
            });
            for (int n = 0; n < 20; n++) {
                GpuResponse answer = screen.flush();
                if (answer.type() == GpuWire.RESP_OK_NODATA) screen.skipUpdate();
                else refused++;
            }
            exporter.join();
            screen.flush().requireType(GpuWire.RESP_ERR_UNSPEC);
            assertThat(screen.seenByANewDisplay()).containsOnly(0);
            ends(buffer);
        }
        System.out.println(refused + " flushes refused during a revocation");
        assertThat(findings.errors()).extracting(Finding::rule).containsOnly(Rule.SHOWN_WITHOUT_MEMORY);
        screen.drop();
    }

    /** A smaller object of the name is not that of the resource: what it had is shown on, until that is revoked, too. */
    @Test
    void whatShrinksIsShownAsItWas() throws Exception {
        int[] first = noise(1);
        DmaBuf buffer = exported(first);
        screen.show(NAME, SIZE, PICTURE);
        assertThat(screen.flushed()).isEqualTo(first);
        DmaBuf smaller = core.export("smaller", SIZE - 4096, pool);
        core.exported().add(NAME, smaller);
        assertThat(screen.flushed()).isEqualTo(first);
        buffer.release();
        assertThat(screen.flushed()).as("the GPU keeps it").isEqualTo(first);
        buffer.revoke();
        screen.flush().requireType(GpuWire.RESP_ERR_UNSPEC);
        assertThat(screen.seenByANewDisplay()).containsOnly(0);
        assertThat(findings.errors()).extracting(Finding::rule).containsExactly(Rule.SHOWN_WITHOUT_MEMORY);
        DmaBuf again = exported(noise(2));
        assertThat(screen.flushed()).as("of its size again").isEqualTo(noise(2));
        screen.drop();
        smaller.release();
        ends(again);
    }

    @Test
    void whatIsFreedIsShownUntilTheResourceIsDestroyed() throws Exception {
        int[] first = noise(1);
        DmaBuf buffer = exported(first);
        screen.show(NAME, SIZE, PICTURE);
        assertThat(screen.flushed()).isEqualTo(first);
        ends(buffer);
        assertThat(screen.seenByANewDisplay()).isEqualTo(first);
        assertThat(screen.flushed()).isEqualTo(first);
        assertThat(pool.freePages()).as("its memory is nobody else's").isEqualTo(64 - (int) (SIZE / 4096));
        screen.drop();
        assertThat(findings.errors()).isEmpty();
    }

    /**
     * Another GPU of the process, on a loop of its own: its blob of host memory moves to where its guest maps it, while this one shows
     * it; and it ends with that guest.
     */
    @Test
    void aBlobOfAnotherGpuMovesAndEnds() throws Exception {
        GpuBackEnd other = GpuBackEnd.withHostBlobs(core, Stream.COHERENT, 1 << 20);
        AttachedGpu guest = AttachedGpu.startWithBlobs(other, GuestVariant.overVfioUser().toList().getFirst());
        try {
            guest.driver().createContext(1).ok();
            guest.driver().createHostBlob(1, SIZE).ok();
            guest.driver().mapBlob(1, 0).requireType(GpuWire.RESP_OK_MAP_INFO);
            UUID name = guest.driver().uuid(1);
            int[] drawn = noise(1);
            for (int i = 0; i < drawn.length; i++)
                other.window().setAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i, drawn[i]);
            screen.show(name, SIZE, PICTURE);
            assertThat(screen.flushed()).isEqualTo(drawn);
            for (int place = 1; place <= 8; place++) {
                guest.driver().unmapBlob(1).ok();
                guest.driver().mapBlob(1, place * 4L * 4096).requireType(GpuWire.RESP_OK_MAP_INFO);
                assertThat(screen.flushed()).as("at place %d", place).isEqualTo(drawn);
            }
            assertThat(findings.errors()).isEmpty();
            guest.reset();
            screen.flush().requireType(GpuWire.RESP_ERR_UNSPEC);
            assertThat(screen.seenByANewDisplay()).containsOnly(0);
            assertThat(findings.errors()).extracting(Finding::rule).containsExactly(Rule.SHOWN_WITHOUT_MEMORY);
            screen.drop();
        } finally {
            guest.close();
            other.close();
        }
    }
}
