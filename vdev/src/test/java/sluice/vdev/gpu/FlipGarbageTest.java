package sluice.vdev.gpu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.GpuBlobPicture;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.RingKind;

import static org.assertj.core.api.Assertions.assertThat;

/** Page flips leave no garbage: their rectangles are those of the flips before. */
class FlipGarbageTest {
    private static final GpuBlobPicture PICTURE = GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, 64, 64);
    private static final int FLIPS = 1000;
    /** The first makes what is kept, and later ones may run before the compiler is done. */
    private static final int MOST_ROUNDS = 200;

    private static byte[] bytes(ByteBuffer command) {
        byte[] bytes = new byte[command.limit()];
        command.get(0, bytes);
        return bytes;
    }

    private static void run(OneThreadGpu gpu, byte[] command) {
        int answer = gpu.call(0, command, GpuWire.HDR_BYTES).getInt(0);
        if (answer != GpuWire.RESP_OK_NODATA) throw new AssertionError("answered 0x" + Integer.toHexString(answer));
    }

    @Test
    void aFlipAndItsFlushLeaveNone() throws IOException {
        try (OneThreadGpu gpu = new OneThreadGpu(RingKind.SPLIT)) {
            gpu.display.watched = false;
            List<byte[]> flips = new ArrayList<>();
            for (int id = 1; id <= 2; id++) {
                Buffer pages = new Buffer(0x18000L + 0x8000L * id, 16_384);
                run(gpu, bytes(GpuCommands.createBlob(id, 16_384, List.of(pages))));
                flips.add(bytes(GpuCommands.setScanoutBlob(0, id, PICTURE.all(), PICTURE)));
                flips.add(bytes(GpuCommands.flush(id, PICTURE.all())));
                flips.add(bytes(GpuCommands.flush(id, new GpuRect(id, 8, 16, 16))));
            }
            long least = Long.MAX_VALUE;
            for (int round = 0; round < MOST_ROUNDS && least >= FLIPS; round++) {
                long before = gpu.allocated;
                for (int flip = 0; flip < FLIPS; flip++) {
                    for (byte[] command : flips) run(gpu, command);
                }
                least = Math.min(least, gpu.allocated - before);
            }
            assertThat(least).as("bytes in %d flips", 2 * FLIPS).isLessThan(FLIPS);
        }
    }
}
