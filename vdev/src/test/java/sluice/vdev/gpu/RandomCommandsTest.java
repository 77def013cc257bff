package sluice.vdev.gpu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.ChainForm;
import sluice.vdev.fixture.CommandQueue;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.GuestVariant;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Streams of commands, sensible ones and garbage mixed: each is answered, the display is told nothing that would harm
 * it, and nothing goes wrong inside. A failure names its seed.
 */
class RandomCommandsTest {
    private static final List<ChainForm> FORMS = List.of(ChainForm.values());
    private static final int COMMANDS = 10_000;
    private static final int BATCH = 8;
    private static final int[] FORMATS = { 1, 2, 3, 4, 67, 68, 121, 134 };
    private static final int[] CORNERS = { 0, 1, 15, 16, 30, 63, 64, 65, -1, Integer.MIN_VALUE, Integer.MAX_VALUE,
            16_384 };
    private static final int[] TYPES = { 0x100, 0x101, 0x102, 0x103, 0x104, 0x105, 0x106, 0x107, 0x10a, 0x300, 0x301 };

    @ParameterizedTest
    @MethodSource("sluice.vdev.loopback.GuestVariant#extremes")
    void everyCommandIsAnswered(GuestVariant guest) throws IOException {
        long seed = guest.equals(GuestVariant.USUAL) ? 1 : 20_261_121;
        Random random = new Random(seed);
        try (AttachedGpu gpu = AttachedGpu.start(guest)) {
            Buffer memory = gpu.ram().allocate(1 << 20);
            for (int sent = 0; sent < COMMANDS; sent += BATCH) {
                disturb(gpu, random);
                CommandQueue control = gpu.driver().control().form(FORMS.get(random.nextInt(FORMS.size())))
                        .pieces(random.nextInt(4) == 0 ? 40 + random.nextInt(100) : Integer.MAX_VALUE);
                List<CommandQueue.Ticket> batch = new ArrayList<>();
                for (int i = 0; i < BATCH; i++) {
                    ByteBuffer command = command(random, memory);
                    batch.add(control.add(command, random.nextInt(8) == 0 ? random.nextInt(30) : 1056));
                }
                control.publish();
                CommandQueue cursor = gpu.driver().cursor();
                CommandQueue.Ticket moved = cursor.send(cursorCommand(random), random.nextInt(30));
                for (CommandQueue.Ticket ticket : batch) {
                    ByteBuffer answer = control.await(ticket);
                    if (answer.limit() >= GpuWire.HDR_BYTES) {
                        assertThat(answer.getInt(0)).as("seed %d", seed).isBetween(0x1100, 0x1205);
                    }
                }
                cursor.await(moved);
                gpu.display().check();
            }
            gpu.reset();
            gpu.resume();
            gpu.driver().control().form(ChainForm.DIRECT).pieces(Integer.MAX_VALUE);
            gpu.driver().getDisplayInfo().outputs();
            assertThat(gpu.complaints()).as("seed %d", seed).isEmpty();
        }
    }

    private static void disturb(AttachedGpu gpu, Random random) throws IOException {
        switch (random.nextInt(100)) {
            case 0 -> {
                gpu.pause();
                gpu.resume();
            }
            case 1 -> {
                gpu.reset();
                gpu.resume();
            }
            case 2 -> gpu.replaceDisplay().close();
            case 3 -> {
                gpu.session().frontEnd().setVringEnable(0, false);
                gpu.session().frontEnd().setVringEnable(0, true);
            }
            default -> {
                // Most batches run undisturbed.
            }
        }
    }

    private static ByteBuffer command(Random random, Buffer memory) {
        ByteBuffer command = random.nextInt(10) == 0 ? garbage(random) : sensible(random, memory);
        if (random.nextInt(12) == 0) {
            // One field of an otherwise sensible command.
            int words = command.limit() / 4;
            command.putInt(4 * random.nextInt(words), any(random, CORNERS));
        }
        if (random.nextInt(20) == 0) {
            command.limit(random.nextInt(command.limit() + 1));
        }
        if (command.limit() >= GpuWire.HDR_BYTES && random.nextInt(3) == 0) {
            command.putInt(GpuWire.HDR_FLAGS, GpuWire.FLAG_FENCE).putLong(GpuWire.HDR_FENCE, random.nextLong());
        }
        return command;
    }

    private static ByteBuffer garbage(Random random) {
        byte[] bytes = new byte[4 + random.nextInt(200)];
        random.nextBytes(bytes);
        ByteBuffer command = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        return random.nextBoolean() ? command.putInt(0, any(random, TYPES)) : command;
    }

    private static ByteBuffer sensible(Random random, Buffer memory) {
        int resource = 1 + random.nextInt(6);
        int scanout = random.nextInt(4);
        return switch (random.nextInt(12)) {
            case 0 -> GpuCommands.getDisplayInfo();
            case 1, 2 -> GpuCommands.createResource2d(resource, any(random, FORMATS), 1 + random.nextInt(80),
                    1 + random.nextInt(80));
            case 3 -> GpuCommands.unref(resource);
            case 4, 5 -> GpuCommands.setScanout(scanout, random.nextInt(5) == 0 ? 0 : resource, rectangle(random));
            case 6, 7 -> GpuCommands.flush(resource, rectangle(random));
            case 8 -> GpuCommands.transferToHost2d(resource, rectangle(random), 4L * random.nextInt(200));
            case 9 -> attach(resource, random, memory);
            case 10 -> GpuCommands.detachBacking(resource);
            default -> GpuCommands.getEdid(random.nextInt(18));
        };
    }

    private static ByteBuffer attach(int resource, Random random, Buffer memory) {
        List<Buffer> entries = new ArrayList<>();
        int count = random.nextInt(20);
        for (int i = 0; i < count; i++) {
            entries.add(new Buffer(memory.address() + random.nextInt((int) memory.length() - 5000),
                    random.nextInt(5000)));
        }
        ByteBuffer head = GpuCommands.attachBacking(resource, entries.size());
        ByteBuffer tail = GpuCommands.entries(entries);
        return ByteBuffer.allocate(head.limit() + tail.limit()).order(ByteOrder.LITTLE_ENDIAN).put(head).put(tail)
                .flip();
    }

    private static ByteBuffer cursorCommand(Random random) {
        int scanout = random.nextInt(20) - 2;
        return random.nextBoolean()
                ? GpuCommands.moveCursor(scanout, random.nextInt(), random.nextInt())
                : GpuCommands.updateCursor(scanout, random.nextInt(), random.nextInt(), random.nextInt(7), 1, 1);
    }

    private static GpuRect rectangle(Random random) {
        if (random.nextInt(10) == 0) {
            return new GpuRect(any(random, CORNERS), any(random, CORNERS), any(random, CORNERS), any(random, CORNERS));
        }
        return new GpuRect(random.nextInt(30), random.nextInt(30), random.nextInt(50), random.nextInt(50));
    }

    private static int any(Random random, int[] values) {
        return values[random.nextInt(values.length)];
    }
}
