package sluice.vdev.gpu;

import java.nio.ByteBuffer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.loopback.LogTap;

import static org.assertj.core.api.Assertions.assertThat;

/** A host with less memory than the guest may have: its commands say so, and the queues go on. */
class OutOfMemoryTest {
    private static final int CONTROL = 0;
    private static final int CURSOR = 1;
    private static final int NO_MEMORY = 0x1201;
    private static final int OK = 0x1100;
    private static final int FORMAT = GpuWire.FORMAT_B8G8R8X8;

    private final LogTap log = new LogTap();
    private boolean poor;
    private OneThreadGpu gpu;

    @BeforeEach
    void start() throws Exception {
        gpu = new OneThreadGpu(RingKind.SPLIT, (width, height) -> {
            if (poor) throw new OutOfMemoryError("told to have none");
            return new HostImage(width, height);
        });
    }

    @AfterEach
    void end() {
        poor = false;
        gpu.display.setPoor(false);
        gpu.close();
        log.close();
    }

    private int call(int queue, ByteBuffer command, int room) {
        byte[] bytes = new byte[command.remaining()];
        command.get(bytes);
        return gpu.call(queue, bytes, room).getInt(0);
    }

    private int call(ByteBuffer command) {
        return call(CONTROL, command, GpuWire.HDR_BYTES);
    }

    @Test
    void anImageThatCannotBeIsNotMadeAndCountsForNothing() {
        poor = true;
        for (int i = 0; i < 100; i++)
            assertThat(call(GpuCommands.createResource2d(7, FORMAT, 500, 500))).isEqualTo(NO_MEMORY);
        assertThat(call(GpuCommands.unref(7))).as("there is no such resource").isEqualTo(0x1203);
        poor = false;
        // All but a page of what the guest may have.
        assertThat(call(GpuCommands.createResource2d(7, FORMAT, 512, 510))).isEqualTo(OK);
        assertThat(log.count("the host has no memory left, although --memory allows")).as("told once").isEqualTo(1);
    }

    @Test
    void theAnswerHasTheFenceOfItsCommand() {
        poor = true;
        ByteBuffer command = GpuCommands.createResource2d(7, FORMAT, 8, 8);
        command.putInt(GpuWire.HDR_FLAGS, GpuWire.FLAG_FENCE).putLong(GpuWire.HDR_FENCE, 0x1234_5678_9abcL);
        byte[] bytes = new byte[command.remaining()];
        command.get(bytes);
        ByteBuffer answer = gpu.call(CONTROL, bytes, GpuWire.HDR_BYTES);
        assertThat(answer.getInt(GpuWire.HDR_FLAGS)).isEqualTo(1);
        assertThat(answer.getLong(GpuWire.HDR_FENCE)).isEqualTo(0x1234_5678_9abcL);
    }

    @ParameterizedTest
    @ValueSource(strings = { "display info", "edid", "flush", "cursor" })
    void whatTheDisplayHasNoMemoryForIsAnsweredAndWorksLater(String what) {
        assertThat(call(GpuCommands.createResource2d(7, FORMAT, 64, 64))).isEqualTo(OK);
        assertThat(call(GpuCommands.setScanout(0, 7, GpuRect.of(64, 64)))).isEqualTo(OK);
        for (boolean now : new boolean[]{ true, false }) {
            gpu.display.setPoor(now);
            int type = switch (what) {
                case "display info" -> call(CONTROL, GpuCommands.getDisplayInfo(), GpuWire.DISPLAY_INFO_BYTES);
                case "edid" -> call(CONTROL, GpuCommands.getEdid(0), OneThreadGpu.MAX_ANSWER);
                case "flush" -> call(GpuCommands.flush(7, GpuRect.of(64, 64)));
                default -> call(CURSOR, GpuCommands.updateCursor(0, 1, 1, 7, 0, 0), GpuWire.HDR_BYTES);
            };
            if (now) {
                assertThat(type).isEqualTo(NO_MEMORY);
            } else {
                assertThat(type).isBetween(OK, 0x11ff);
            }
        }
    }

    /** CVE-2016-10029 of another implementation. */
    @ParameterizedTest
    @ValueSource(ints = { OneThreadGpu.SCANOUTS, 15, 16, -1 })
    void aScanOutThatTheConfigurationDoesNotHaveIsNone(int scanout) {
        assertThat(call(GpuCommands.createResource2d(7, FORMAT, 64, 64))).isEqualTo(OK);
        assertThat(call(GpuCommands.setScanout(scanout, 7, GpuRect.of(64, 64)))).isEqualTo(0x1202);
        assertThat(call(GpuCommands.setScanout(scanout, 0, GpuRect.of(0, 0)))).isEqualTo(0x1202);
        assertThat(call(CONTROL, GpuCommands.getEdid(scanout), OneThreadGpu.MAX_ANSWER)).isEqualTo(0x1202);
        assertThat(call(CURSOR, GpuCommands.updateCursor(scanout, 1, 1, 7, 0, 0), GpuWire.HDR_BYTES)).isEqualTo(0x1202);
        assertThat(call(CURSOR, GpuCommands.moveCursor(scanout, 1, 1), GpuWire.HDR_BYTES)).isEqualTo(0x1202);
        assertThat(call(GpuCommands.setScanout(OneThreadGpu.SCANOUTS - 1, 7, GpuRect.of(64, 64)))).isEqualTo(OK);
    }
}
