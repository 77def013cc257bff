package sluice.vdev.gpu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.ChainForm;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DriverQueue;
import sluice.vdev.fixture.FrontEndQueue;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.Used;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.GuestVariant;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A hundred million random commands, half of them through each kind of ring: every one is answered, with its own fence,
 * and the device is as fit at the end as at the beginning. The system property {@code sluice.commands} sets another number.
 */
@Tag("long")
class CommandMarathonLoopbackTest {
    private static final long COMMANDS = Long.getLong("sluice.commands", 100_000_000);
    private static final long SEED = 20_261_121;
    /** Commands in flight. */
    private static final int SLOTS = 64;
    private static final int BATCH = SLOTS / 2;
    /** Then the guest pauses or resets its device, and for a while somebody looks. */
    private static final int COMMANDS_PER_ROUND = 500_000;
    private static final int COMMANDS_WITH_A_DISPLAY = 5_000;
    private static final long SPIN_NANOS = 100_000;
    private static final long REPORT_NANOS = TimeUnit.SECONDS.toNanos(5);

    /** Memory for one command and its answer, and what is known of it while it is in flight. */
    private static final class Slot {
        private final ByteBuffer request;
        private final ByteBuffer answer;
        private final long address;
        private final List<Buffer> writable;
        private long fence;

        Slot(AttachedGpu gpu) {
            Buffer buffer = gpu.ram().allocate(2L * RandomCommand.MAX_BYTES);
            ByteBuffer both = gpu.ram().slice(buffer).asByteBuffer();
            request = both.slice(0, RandomCommand.MAX_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            answer = both.slice(RandomCommand.MAX_BYTES, GpuWire.HDR_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            address = buffer.address();
            writable = List.of(new Buffer(address + RandomCommand.MAX_BYTES, GpuWire.HDR_BYTES));
        }
    }

    /** One driver that keeps the ring as full as it can. */
    private static final class Driver {
        private final FrontEndQueue queue;
        private final DriverQueue ring;
        private final RandomCommand commands;
        private final SplittableRandom random = new SplittableRandom(SEED);
        private final List<Slot> free = new ArrayList<>();
        private final @Nullable Slot[] byHead = new @Nullable Slot[SLOTS];
        private long sent;
        private long answered;
        private long done;

        Driver(AttachedGpu gpu) {
            queue = gpu.session().queue(0);
            ring = queue.driver();
            commands = new RandomCommand(SEED, gpu.ram().allocate(1 << 20));
            for (int i = 0; i < SLOTS; i++) free.add(new Slot(gpu));
        }

        /** Sends {@code count} commands and takes all their answers. */
        void run(int count) throws IOException {
            long end = sent + count;
            while (sent < end) {
                ChainForm form = random.nextInt(4) == 0 ? ChainForm.DIRECT : ChainForm.INDIRECT;
                for (int i = 0; i < BATCH && sent < end; i++) send(form);
                ring.publish();
                queue.kickIfNeeded();
                // Half of them may hold all descriptors, and then nothing more can be sent.
                takeUntil(ring.freeDescriptors() < BATCH ? 0 : BATCH);
            }
            takeUntil(0);
        }

        private void send(ChainForm form) {
            if (ring.freeDescriptors() < 2) return; // the next batch goes on
            Slot slot = free.removeLast();
            sent++;
            slot.fence = random.nextInt(4) == 0 ? 0 : sent;
            int length = commands.write(slot.request, slot.fence);
            if (length < GpuWire.HDR_BYTES) slot.fence = 0;
            byHead[ring.add(List.of(new Buffer(slot.address, length)), slot.writable, form)] = slot;
        }

        /** Takes answers until at most {@code left} are due. */
        private void takeUntil(int left) {
            while (sent - answered > left) {
                if (!ring.usedPending()) await();
                ring.poll().ifPresent(this::check);
            }
        }

        private void await() {
            long begun = System.nanoTime();
            while (System.nanoTime() - begun < SPIN_NANOS) {
                if (ring.usedPending()) return;
                Thread.onSpinWait();
            }
            Deadline.in(Deadline.USUAL).require(ring::usedPending, "an answer, after " + answered + " others");
        }

        private void check(Used used) {
            Slot slot = byHead[used.head()];
            if (slot == null) throw new AssertionError("chain " + used.head() + " was not sent");
            int response = slot.answer.getInt(GpuWire.HDR_TYPE);
            boolean good = used.written() == GpuWire.HDR_BYTES && response >= 0x1100 && response <= 0x1205
                    && slot.answer.getLong(GpuWire.HDR_FENCE) == slot.fence
                    && slot.answer.getInt(GpuWire.HDR_FLAGS) == (slot.fence != 0 ? GpuWire.FLAG_FENCE : 0);
            if (!good) {
                throw new AssertionError("seed %d: a command with fence %d was answered by 0x%x with fence %d"
                        .formatted(SEED, slot.fence, response, slot.answer.getLong(GpuWire.HDR_FENCE)));
            }
            if (response < GpuWire.RESP_ERR_UNSPEC) done++;
            slot.answer.putInt(GpuWire.HDR_TYPE, 0);
            free.add(slot);
            answered++;
        }
    }

    @ParameterizedTest
    @MethodSource("sluice.vdev.loopback.GuestVariant#extremes")
    void everyCommandIsAnswered(GuestVariant guest) throws IOException {
        long wanted = COMMANDS / 2;
        System.out.printf("%s: %,d commands, seed %d%n", guest, wanted, SEED);
        long begun = System.nanoTime();
        long reported = begun;
        try (AttachedGpu gpu = AttachedGpu.start(guest)) {
            Driver driver = new Driver(gpu);
            driver.ring.interruptsOff();
            for (long round = 0; driver.answered < wanted; round++) {
                driver.run(COMMANDS_WITH_A_DISPLAY);
                gpu.closeDisplay();
                while (driver.answered < Math.min(wanted, (round + 1) * COMMANDS_PER_ROUND)) {
                    driver.run(COMMANDS_WITH_A_DISPLAY);
                    if (System.nanoTime() - reported > REPORT_NANOS) {
                        reported = System.nanoTime();
                        report(driver, begun);
                    }
                }
                if (round % 2 == 0) {
                    gpu.pause();
                } else {
                    gpu.reset();
                    driver.ring.interruptsOff();
                }
                gpu.resume();
                assertThat(gpu.complaints()).as("seed %d", SEED).isEmpty();
            }
            report(driver, begun);
            assertThat(driver.answered).isEqualTo(driver.sent).isGreaterThanOrEqualTo(wanted);
            assertThat(driver.done).as("commands that were carried out").isGreaterThan(wanted / 4);
        }
    }

    private static void report(Driver driver, long begun) {
        double seconds = (System.nanoTime() - begun) / 1e9;
        System.out.printf("%,d commands answered, %,d of them carried out, %,.0f a second%n", driver.answered,
                driver.done, driver.answered / seconds);
    }
}
