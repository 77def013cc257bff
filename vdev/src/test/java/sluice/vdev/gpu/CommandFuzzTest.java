package sluice.vdev.gpu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.vdev.fixture.FuzzInput;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.SeedCorpus;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Commands of a fuzzer's making, one after the other. Each is answered with a response the specification knows and with
 * its own fence, the display is told nothing it could not show, and resources stay within their limit.
 *
 * <p>An input is a row of commands: how many bytes it has in fours, a byte of options ({@link #CURSOR} and others), and
 * the command.
 */
class CommandFuzzTest {
    /** To the cursor queue. */
    static final int CURSOR = 1;
    /** Through a display that takes pixels later. */
    static final int SLOW = 2;
    /** With as much room for the answer as the next four bits say, in sevens. */
    static final int LITTLE_ROOM = 4;
    /** The device is reset before. */
    static final int RESET = 8;
    /** Before a front-end that maps no window, with all the room for the answer. */
    static final int REFUSING = 16;

    private @Nullable OneThreadGpu gpu;
    /** What the resources cost that should be there, by id. */
    private final Map<Integer, Long> resources = new HashMap<>();

    @AfterEach
    void end() {
        if (gpu != null) gpu.close();
    }

    @Test
    void theSeedsAreWhatTheirEncodersMake() throws IOException {
        SeedCorpus.check(CommandFuzzTest.class, "commands", CommandSeeds.all());
    }

    @FuzzTest
    void commands(byte[] input) throws IOException {
        if (gpu == null) gpu = new OneThreadGpu(RingKind.PACKED);
        OneThreadGpu device = gpu;
        FuzzInput in = new FuzzInput(input);
        while (in.hasMore()) {
            int length = 4 * in.u8();
            int options = in.u8();
            if ((options & RESET) != 0) reset(device);
            device.display.slow = (options & SLOW) != 0;
            device.refusing = (options & (LITTLE_ROOM | REFUSING)) == REFUSING;
            int room = (options & LITTLE_ROOM) != 0 ? 7 * (options >> 4) : OneThreadGpu.MAX_ANSWER;
            byte[] command = in.upTo(length);
            ByteBuffer answer = device.call(options & CURSOR, command, room);
            check(options & CURSOR, ByteBuffer.wrap(command).order(ByteOrder.LITTLE_ENDIAN), answer, room);
        }
        reset(device);
    }

    private void reset(OneThreadGpu device) {
        device.reset();
        resources.clear();
    }

    private void check(int queue, ByteBuffer command, ByteBuffer answer, int room) {
        assertThat(answer.limit()).isBetween(Math.min(room, GpuWire.HDR_BYTES), room);
        if (answer.limit() < GpuWire.HDR_BYTES) {
            // What was made or removed is not told: ask nothing of the limit any more.
            if (queue == 0) resources.clear();
            return;
        }
        int response = answer.getInt(GpuWire.HDR_TYPE);
        assertThat(response).isIn(0x1100, 0x1101, 0x1102, 0x1103, 0x1104, 0x1105, 0x1106, 0x1200, 0x1201, 0x1202,
                0x1203, 0x1204, 0x1205);
        boolean fenced = command.limit() >= GpuWire.HDR_BYTES
                && (command.getInt(GpuWire.HDR_FLAGS) & GpuWire.FLAG_FENCE) != 0;
        int kept = queue == 0 ? GpuWire.FLAG_FENCE | GpuWire.FLAG_INFO_RING_IDX : GpuWire.FLAG_FENCE;
        assertThat(answer.getInt(GpuWire.HDR_FLAGS)).isEqualTo(fenced ? command.getInt(GpuWire.HDR_FLAGS) & kept : 0);
        assertThat(answer.getLong(GpuWire.HDR_FENCE)).isEqualTo(fenced ? command.getLong(GpuWire.HDR_FENCE) : 0);
        if (queue == 0 && response == GpuWire.RESP_OK_NODATA) follow(command);
    }

    /** Keeps the books: what was made costs four bytes a pixel, what was removed nothing. */
    private void follow(ByteBuffer command) {
        switch (command.getInt(GpuWire.HDR_TYPE)) {
            case GpuWire.CMD_RESOURCE_CREATE_2D -> {
                int id = command.getInt(GpuWire.CREATE_2D_RESOURCE);
                long bytes = 4L * command.getInt(GpuWire.CREATE_2D_WIDTH) * command.getInt(GpuWire.CREATE_2D_HEIGHT);
                assertThat(id).isNotZero();
                assertThat(resources.put(id, bytes)).as("resource %d", id).isNull();
                assertThat(resources.values().stream().mapToLong(Long::longValue).sum())
                        .isBetween(1L, OneThreadGpu.MEMORY_LIMIT);
            }
            case GpuWire.CMD_RESOURCE_UNREF -> resources.remove(command.getInt(GpuWire.RESOURCE_ONLY_ID));
            default -> assertThat(command.limit()).isGreaterThanOrEqualTo(GpuWire.HDR_BYTES);
        }
    }
}
