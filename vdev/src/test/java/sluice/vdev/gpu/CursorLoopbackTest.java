package sluice.vdev.gpu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.fixture.DisplayMessage.CursorHide;
import sluice.vdev.fixture.DisplayMessage.CursorPos;
import sluice.vdev.fixture.DisplayMessage.CursorUpdate;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GuestVariant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

/** The cursor queue: pictures, moves, and what is none. */
class CursorLoopbackTest {
    private static final int SIDE = 64;

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

    private int cursor(ByteBuffer command) throws IOException {
        var queue = gpu.driver().cursor();
        return queue.await(queue.send(command, GpuWire.HDR_BYTES)).getInt(GpuWire.HDR_TYPE);
    }

    @Test
    void theCursorArrivesWithItsAlpha() throws IOException {
        Canvas canvas = gpu.canvas(5, GpuWire.FORMAT_B8G8R8A8, SIDE, SIDE);
        int[] pixels = new Random(3).ints(SIDE * SIDE).toArray();
        canvas.draw(pixels);
        canvas.transfer();
        gpu.driver().cursor(GpuCommands.updateCursor(2, 10, 20, 5, 3, 4));
        CursorUpdate update = gpu.display().await(CursorUpdate.class, 1).getFirst();
        assertThat(update).extracting(CursorUpdate::scanout, CursorUpdate::x, CursorUpdate::y, CursorUpdate::hotX,
                CursorUpdate::hotY).containsExactly(2L, 10L, 20L, 3L, 4L);
        assertThat(gpu.display().cursor(2).pixels()).isEqualTo(pixels);

        gpu.driver().cursor(GpuCommands.moveCursor(2, -5, 7).putInt(GpuWire.CURSOR_RESOURCE, 5));
        assertThat(gpu.display().await(CursorPos.class, 1)).containsExactly(new CursorPos(2, 0xffff_fffbL, 7));
        gpu.driver().cursor(GpuCommands.updateCursor(2, 1, 2, 0, 0, 0));
        assertThat(gpu.display().await(CursorHide.class, 1)).containsExactly(new CursorHide(2, 1, 2));
        assertThat(gpu.backEnd().statistic(GpuStatistics::cursorBytes)).isEqualTo(SIDE * SIDE * 4);
    }

    @Test
    void aHiddenCursorStaysHiddenWhenItIsMoved() throws IOException {
        gpu.canvas(5, GpuWire.FORMAT_B8G8R8A8, SIDE, SIDE);
        gpu.driver().cursor(GpuCommands.updateCursor(2, 1, 2, 0, 0, 0));
        // The resource of a move means nothing.
        gpu.driver().cursor(GpuCommands.moveCursor(2, 3, 4).putInt(GpuWire.CURSOR_RESOURCE, 5));
        gpu.driver().cursor(GpuCommands.moveCursor(1, 5, 6));
        assertThat(gpu.display().await(CursorPos.class, 1)).as("another scan-out")
                .containsExactly(new CursorPos(1, 5, 6));
        assertThat(gpu.display().messages(CursorHide.class)).containsExactly(new CursorHide(2, 1, 2),
                new CursorHide(2, 3, 4));
        gpu.pause();
        gpu.resume();
        gpu.driver().cursor(GpuCommands.moveCursor(2, 7, 8));
        assertThat(gpu.display().await(CursorHide.class, 1)).containsExactly(new CursorHide(2, 7, 8));

        gpu.driver().cursor(GpuCommands.updateCursor(2, 1, 2, 5, 0, 0));
        gpu.driver().cursor(GpuCommands.moveCursor(2, 9, 10));
        assertThat(gpu.display().await(CursorPos.class, 1)).containsExactly(new CursorPos(2, 9, 10));
        gpu.driver().cursor(GpuCommands.updateCursor(2, 1, 2, 0, 0, 0));
        gpu.reset();
        gpu.resume();
        gpu.driver().cursor(GpuCommands.moveCursor(2, 11, 12));
        assertThat(gpu.display().await(CursorPos.class, 1)).as("a reset forgets it")
                .containsExactly(new CursorPos(2, 11, 12));
    }

    static Stream<Arguments> refused() {
        return Stream.of(
                arguments("unknown resource", GpuCommands.updateCursor(0, 0, 0, 77, 0, 0),
                        GpuWire.RESP_ERR_INVALID_RESOURCE_ID),
                arguments("64×63", GpuCommands.updateCursor(0, 0, 0, 1, 0, 0), GpuWire.RESP_ERR_INVALID_PARAMETER),
                arguments("128×64", GpuCommands.updateCursor(0, 0, 0, 2, 0, 0), GpuWire.RESP_ERR_INVALID_PARAMETER),
                arguments("scan-out 16", GpuCommands.updateCursor(16, 0, 0, 3, 0, 0),
                        GpuWire.RESP_ERR_INVALID_SCANOUT_ID),
                arguments("hide on scan-out 16", GpuCommands.updateCursor(16, 0, 0, 0, 0, 0),
                        GpuWire.RESP_ERR_INVALID_SCANOUT_ID),
                arguments("move on scan-out -1", GpuCommands.moveCursor(-1, 0, 0),
                        GpuWire.RESP_ERR_INVALID_SCANOUT_ID),
                arguments("cut short", GpuCommands.moveCursor(0, 0, 0).limit(52), GpuWire.RESP_ERR_UNSPEC),
                arguments("header only", GpuCommands.moveCursor(0, 0, 0).limit(24), GpuWire.RESP_ERR_UNSPEC),
                arguments("a control command", GpuCommands.getDisplayInfo(), GpuWire.RESP_ERR_UNSPEC),
                arguments("an unknown command", GpuCommands.bare(0x302, 56), GpuWire.RESP_ERR_UNSPEC));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refused")
    void wrongCommandsAreRefused(String name, ByteBuffer command, int response) throws IOException {
        gpu.canvas(1, GpuWire.FORMAT_B8G8R8A8, SIDE, SIDE - 1);
        gpu.canvas(2, GpuWire.FORMAT_B8G8R8A8, 2 * SIDE, SIDE);
        gpu.canvas(3, GpuWire.FORMAT_B8G8R8A8, SIDE, SIDE);
        assertThat(Integer.toHexString(cursor(command))).as(name).isEqualTo(Integer.toHexString(response));
        assertThat(cursor(GpuCommands.moveCursor(0, 8, 9))).isEqualTo(GpuWire.RESP_OK_NODATA);
        gpu.display().await(CursorPos.class, 1);
        assertThat(gpu.display().messages()).as("nothing of the refused one").noneMatch(
                message -> message instanceof CursorUpdate || message instanceof CursorHide);
    }

    @Test
    void aFenceComesBackIfThereIsRoom() throws IOException {
        ByteBuffer command = GpuCommands.moveCursor(0, 1, 1).putInt(GpuWire.HDR_FLAGS, GpuWire.FLAG_FENCE)
                .putLong(GpuWire.HDR_FENCE, 42);
        var queue = gpu.driver().cursor();
        ByteBuffer answer = queue.await(queue.send(command, GpuWire.HDR_BYTES)).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(answer.getLong(GpuWire.HDR_FENCE)).isEqualTo(42);
    }

    @Test
    void trailingBytesAreIgnored() throws IOException {
        ByteBuffer command = ByteBuffer.allocate(5000).order(ByteOrder.LITTLE_ENDIAN)
                .put(GpuCommands.moveCursor(0, 3, 4)).position(0);
        assertThat(cursor(command)).isEqualTo(GpuWire.RESP_OK_NODATA);
        assertThat(gpu.display().await(CursorPos.class, 1)).containsExactly(new CursorPos(0, 3, 4));
    }
}
