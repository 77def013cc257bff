package sluice.vdev.display;

import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;

import io.netty.util.internal.PlatformDependent;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import sluice.vdev.fixture.CommandQueue;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DisplayMessage.CursorPos;
import sluice.vdev.fixture.DisplayMessage.CursorUpdate;
import sluice.vdev.fixture.DisplayMessage.Scanout;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.DriverQueue;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GuestVariant;

import static org.assertj.core.api.Assertions.assertThat;

/** A display that is slow: nothing is lost, nothing changes under way, and nothing piles up. */
class BackPressureLoopbackTest {
    private static final Duration A_MOMENT = Duration.ofMillis(100);
    private static final int W = 800;
    private static final int H = 600;
    private static final int MOVES = 100_000;
    private static final int BATCH = 8;
    private static final long MIB = 1 << 20;

    private AttachedGpu gpu;

    /** What the guest is like. */
    GuestVariant guest() {
        return GuestVariant.USUAL;
    }

    @BeforeEach
    void start() throws IOException {
        gpu = AttachedGpu.start(guest());
    }

    @AfterEach
    void end() {
        gpu.close();
    }

    private Canvas shownCanvas() throws IOException {
        Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
        canvas.show(0);
        gpu.display().await(Scanout.class, 1);
        return canvas;
    }

    @Test
    void aFlushIsDoneWhenTheDisplayTookTheLastByte() throws IOException {
        Canvas canvas = shownCanvas();
        int[] first = canvas.drawNoise(1);
        canvas.transfer();
        gpu.display().pause();
        GpuDriver.Pending flush = gpu.driver().begin(GpuCommands.flush(1, canvas.all()), GpuWire.HDR_BYTES);
        assertThat(gpu.session().queue(0).awaitInterrupt(A_MOMENT)).as("a flush the display has not taken").isFalse();
        int[] second = canvas.drawNoise(2);
        GpuDriver.Pending transfer = gpu.driver()
                .begin(GpuCommands.transferToHost2d(1, canvas.all(), 0), GpuWire.HDR_BYTES);
        assertThat(gpu.session().queue(0).awaitInterrupt(A_MOMENT)).as("a transfer behind it").isFalse();
        gpu.display().resume();
        gpu.driver().await(flush).ok();
        gpu.driver().await(transfer).ok();
        gpu.display().await(Update.class, 1);
        assertThat(gpu.display().picture(0).pixels()).isEqualTo(first);
        canvas.flush();
        gpu.display().await(Update.class, 2);
        assertThat(gpu.display().picture(0).pixels()).isEqualTo(second);
    }

    @Test
    void aReaderInSmallPiecesGetsEveryByte() throws IOException {
        Canvas canvas = shownCanvas();
        gpu.display().readInPieces(10_007, Duration.ZERO);
        GpuRect part = new GpuRect(1, 1, W - 3, H - 2);
        int[] pixels = canvas.drawNoise(1);
        canvas.transfer();
        for (int frame = 1; frame <= 5; frame++) {
            gpu.driver().flush(1, part).ok();
        }
        gpu.display().await(Update.class, 5);
        int[] seen = gpu.display().picture(0).pixels();
        assertThat(canvas.crop(seen, part)).isEqualTo(canvas.crop(pixels, part));
        assertThat(seen[0]).as("not flushed").isZero();
    }

    @Test
    void aFlushOfAnUnreferencedResourceIsStillSent() throws IOException {
        Canvas canvas = shownCanvas();
        int[] pixels = canvas.drawNoise(1);
        canvas.transfer();
        gpu.display().pause();
        GpuDriver.Pending flush = gpu.driver().begin(GpuCommands.flush(1, canvas.all()), GpuWire.HDR_BYTES);
        assertThat(gpu.session().queue(0).awaitInterrupt(A_MOMENT)).isFalse();
        // The reset drops the resource and switches the scan-out off, behind the frame that is on its way.
        gpu.session().frontEnd().resetDevice();
        gpu.display().resume();
        assertThat(gpu.display().await(Scanout.class, 2).getLast()).isEqualTo(new Scanout(0, 0, 0));
        Update update = gpu.display().await(Update.class, 1).getFirst();
        CRC32 crc = new CRC32();
        ByteBuffer bytes = ByteBuffer.allocate(pixels.length * 4).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(pixels);
        crc.update(bytes);
        assertThat(update.crc()).isEqualTo(crc.getValue());
        assertThat(gpu.driver().control().polling(true).await(flush.ticket()).getInt(0))
                .isEqualTo(GpuWire.RESP_OK_NODATA);
        gpu.driver().control().polling(false);
        gpu.reset();
        gpu.resume();
    }

    private static long directBytes() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct")).mapToLong(BufferPoolMXBean::getMemoryUsed).sum()
                + PlatformDependent.usedDirectMemory();
    }

    /** Sends one after the other until the device takes none for a moment; says how many it took. */
    private int sendUntilStuck(ByteBuffer command, List<CommandQueue.Ticket> stuck) throws IOException {
        CommandQueue cursor = gpu.driver().cursor().polling(true);
        DriverQueue ring = gpu.session().queue(1).driver();
        for (int sent = 0; sent < MOVES; sent++) {
            CommandQueue.Ticket ticket = cursor.send(command, 0);
            if (!Deadline.in(A_MOMENT).await(ring::usedPending)) {
                stuck.add(ticket);
                return sent;
            }
            cursor.await(ticket);
        }
        throw new AssertionError("a display that does not read holds nobody back");
    }

    @Test
    void aDisplayThatDoesNotReadHoldsTheGuestBackAndNotOurMemory() throws IOException {
        gpu.display().pause();
        long before = directBytes();
        List<CommandQueue.Ticket> stuck = new ArrayList<>();
        int taken = sendUntilStuck(GpuCommands.moveCursor(0, 1, 1), stuck);
        assertThat(taken).as("moves the back-end kept for a display that does not read").isLessThan(5_000);
        assertThat(directBytes() - before).as("direct memory").isLessThan(4 * MIB);
        // The control queue is held back as well, and all of it goes on when the display does.
        GpuDriver.Pending info = gpu.driver().begin(GpuCommands.getDisplayInfo(), GpuWire.DISPLAY_INFO_BYTES);
        gpu.display().resume();
        stuck.forEach(ticket -> gpu.driver().cursor().await(ticket));
        gpu.driver().await(info).outputs();
        gpu.display().await(CursorPos.class, taken + stuck.size());
    }

    @Test
    void cursorPicturesAreHeldBackToo() throws IOException {
        gpu.canvas(9, GpuWire.FORMAT_B8G8R8A8, 64, 64);
        gpu.display().pause();
        long before = directBytes();
        List<CommandQueue.Ticket> stuck = new ArrayList<>();
        int taken = sendUntilStuck(GpuCommands.updateCursor(0, 1, 1, 9, 0, 0), stuck);
        assertThat(directBytes() - before).as("direct memory").isLessThan(4 * MIB);
        gpu.display().resume();
        stuck.forEach(ticket -> gpu.driver().cursor().await(ticket));
        gpu.display().await(CursorUpdate.class, taken + stuck.size());
    }

    @Test
    void aHundredThousandMovesArriveInOrder() throws IOException {
        CommandQueue cursor = gpu.driver().cursor().polling(true);
        long before = directBytes();
        for (int sent = 0; sent < MOVES; sent += BATCH) {
            CommandQueue.Ticket last = cursor.add(GpuCommands.moveCursor(0, sent, -sent), 0);
            for (int i = 1; i < BATCH; i++) {
                last = cursor.add(GpuCommands.moveCursor(0, sent + i, -sent - i), 0);
            }
            cursor.publish();
            cursor.await(last, Deadline.USUAL);
        }
        assertThat(directBytes() - before).as("direct memory").isLessThan(4 * MIB);
        List<CursorPos> moves = gpu.display().await(CursorPos.class, MOVES);
        for (int i = 0; i < MOVES; i++) {
            assertThat(moves.get(i).x()).isEqualTo(i);
        }
    }
}
