package sluice.dmacore.buffer;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.MemoryPool;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;

/** Moves that do not come to their end. */
@Tag("S35")
class BufferMoveTest {
    private static final long LIMIT_SECONDS = 20;

    @Test
    void aBufferThatIsRevokedDuringItsMoveStaysRevoked() throws IOException {
        try (Machine machine = Machine.counting()) {
            MemoryPool pool = machine.pool(8, false);
            DmaBuf buffer = machine.own("frame", pool, 2 * PAGE);
            Attachment attachment = buffer.attachDynamic(machine.device("gpu"), Stream.COHERENT,
                    _ -> buffer.revoke());
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            refused(Errno.ENODEV, buffer::move, "taken back while it was being moved");
            assertThat(buffer.state()).isEqualTo(DmaBuf.State.REVOKED);
            assertThat(pool.freePages()).as("nothing was allocated for the move").isEqualTo(6);
            refused(Errno.ENODEV, () -> buffer.attach(machine.device("late"), Stream.COHERENT), "revoked");
            mapping.unmap();
            attachment.detach();
            machine.found();
        }
    }

    @Test
    void aBufferThatIsReleasedDuringItsMoveStaysGone() throws IOException {
        try (Machine machine = Machine.counting()) {
            MemoryPool pool = machine.pool(8, false);
            DmaBuf buffer = machine.core().export("frame", 2 * PAGE, pool);
            buffer.attachDynamic(machine.device("gpu"), Stream.COHERENT, moving -> {
                buffer.release();
                moving.detach();
            }).map(Direction.TO_DEVICE);
            refused(Errno.ENODEV, buffer::move, "taken back while it was being moved");
            assertThat(buffer.state()).isEqualTo(DmaBuf.State.RELEASED);
            assertThat(pool.freePages()).isEqualTo(8);
            refused(Errno.ENODEV, () -> buffer.open("cpu").begin(Direction.FROM_DEVICE), "it is gone");
            assertThat(pool.freePages()).as("it does not come back to life").isEqualTo(8);
            machine.found(Rule.DETACHED_WHILE_MAPPED);
        }
    }

    /** The bound is an hour, which the test does not wait for. */
    @Test
    @Timeout(2 * LIMIT_SECONDS)
    void aMoveThatWaitsIsOverWhenTheBufferIsTakenBack() throws Exception {
        try (Machine machine = Machine.with(DmaCoreOptions.counting().withMoveBound(Duration.ofHours(1)));
                ExecutorService threads = Executors.newSingleThreadExecutor()) {
            for (boolean revoked : new boolean[]{ true, false }) {
                DmaBuf buffer = machine.core().export("frame", PAGE, machine.pool(8, false));
                CountDownLatch told = new CountDownLatch(1);
                Attachment attachment = buffer.attachDynamic(machine.device("gpu"), Stream.COHERENT,
                        _ -> told.countDown());
                attachment.map(Direction.TO_DEVICE);
                Future<?> move = threads.submit(() -> {
                    refused(Errno.ENODEV, buffer::move, "taken back");
                });
                assertThat(told.await(LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
                if (revoked) buffer.revoke();
                buffer.release();
                if (!revoked) attachment.detach();
                move.get(LIMIT_SECONDS, TimeUnit.SECONDS);
                attachment.detach();
                assertThat(buffer.state()).isEqualTo(DmaBuf.State.RELEASED);
            }
            assertThat(machine.core().findings().times(Rule.HELD_OVER_MOVE)).isZero();
        }
    }

    @Test
    void aMoveThatFailsLeavesTheBufferWhereItWas() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping ram = machine.file(4);
            ScriptedExporter exporter = new ScriptedExporter(false, _ -> null, List.of(
                    ScriptedExporter.run(ram, 0, PAGE),
                    () -> {
                        throw new DmaBufException(Errno.ENOMEM, "none today");
                    },
                    () -> {
                        throw new IllegalStateException("a mistake of the exporter");
                    },
                    ScriptedExporter.run(ram, PAGE, PAGE)));
            DmaBuf buffer = machine.released(machine.core().export("frame", PAGE, exporter));
            refused(Errno.ENOMEM, buffer::move, "none today");
            assertThat(buffer.state()).isEqualTo(DmaBuf.State.ALLOCATED);
            assertThatThrownBy(buffer::move).isInstanceOf(IllegalStateException.class);
            assertThat(buffer.state()).isEqualTo(DmaBuf.State.ALLOCATED);
            assertThat(exporter.freed).hasValue(0);
            buffer.move();
            assertThat(exporter.freed).hasValue(1);
            machine.found();
        }
    }

    /** Every dynamic importer is notified, and may map the buffer again at its new place. */
    @Test
    void allImportersAreToldOfAMove() throws IOException {
        try (Machine machine = Machine.counting()) {
            MemoryPool pool = machine.pool(8, false);
            DmaBuf buffer = machine.own("frame", pool, 2 * PAGE);
            List<Attachment> told = new ArrayList<>();
            List<Attachment> importers = new ArrayList<>();
            for (String name : List.of("gpu", "display", "camera")) {
                importers.add(buffer.attachDynamic(machine.device(name), Stream.COHERENT, moving -> {
                    told.add(moving);
                    unmap(moving);
                }));
            }
            for (Attachment importer : importers) importer.map(Direction.TO_DEVICE);
            buffer.move();
            assertThat(told).containsExactlyElementsOf(importers);
            for (Attachment importer : importers) {
                importer.map(Direction.TO_DEVICE).unmap();
                importer.detach();
            }
            machine.found();
        }
    }

    /** What is in the way of mapping it now. */
    private static List<Verdict.Limit> limits(Attachment moving) {
        try {
            return moving.testMap().problems().stream().map(Verdict.Problem::rule).toList();
        } catch (DmaBufException e) {
            throw new AssertionError(e);
        }
    }

    private static void unmap(Attachment moving) {
        try {
            Objects.requireNonNull(moving.mapping(), "it is told of what it has mapped").unmap();
        } catch (DmaBufException e) {
            throw new AssertionError(e);
        }
    }

    /** The CPU copies what it sees: what a device wrote by another buffer over the same pages, and was not fetched, is left behind. */
    @Test
    void aMoveReadsTheBuffer() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(2);
            ScriptedExporter exporter = new ScriptedExporter(false, _ -> null,
                    List.of(ScriptedExporter.run(ram, 0, PAGE), ScriptedExporter.run(ram, PAGE, PAGE)));
            DmaBuf buffer = machine.released(machine.core().export("frame", PAGE, exporter));
            DeviceFunction camera = machine.device("camera");
            Attachment alias = machine.guest("alias", ram, 0).attach(camera, Stream.NON_COHERENT);
            DeviceMapping capture = alias.map(Direction.FROM_DEVICE);
            Machine.write(machine.view(camera), capture, 64, Machine.bytes(64, 1));
            buffer.move();
            assertThat(machine.only(Rule.MISSING_SYNC_FOR_CPU)).extracting(Finding::device, Finding::buffer)
                    .containsExactly("camera", "frame");
            machine.about(Rule.SAME_PAGES_TWICE, "[0x0, 0xfff]");
            machine.foundNext(Rule.SAME_PAGES_TWICE, Rule.MISSING_SYNC_FOR_CPU);
            capture.unmap();
            alias.detach();
            machine.about(Rule.NEVER_WRITTEN, "[0x0, 0x3f]");
            machine.found(Rule.NEVER_WRITTEN);
        }
    }

    @Test
    void whatHasNoMemoryOrIsInUseIsNotMoved() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf late = machine.own("late", machine.pool(4, true), PAGE);
            refused(Errno.EBUSY, late::move, "it is ABSTRACT and cannot be moved");
            DmaBuf buffer = machine.own("frame", machine.pool(8, false), PAGE);
            try (Opener cpu = buffer.open("cpu"); CpuAccess access = cpu.begin(Direction.FROM_DEVICE)) {
                refused(Errno.EBUSY, buffer::move, "the CPU is accessing it");
                assertThat(access.length()).isEqualTo(PAGE);
            }
            DeviceFunction gpu = machine.device("gpu");
            Attachment attachment = buffer.attachDynamic(gpu, Stream.COHERENT, moving -> {
                refused(Errno.EBUSY, buffer::move, "it is MOVING and cannot be moved");
                refused(Errno.EBUSY, moving::pin, "it is being moved");
                assertThat(limits(moving)).containsExactly(Verdict.Limit.MAPPED, Verdict.Limit.MOVING);
                unmap(moving);
                assertThat(limits(moving)).containsExactly(Verdict.Limit.MOVING);
                refused(Errno.EAGAIN, () -> moving.map(Direction.TO_DEVICE), "it is being moved");
            });
            attachment.map(Direction.TO_DEVICE);
            buffer.move();
            buffer.revoke();
            refused(Errno.EBUSY, buffer::move, "it is REVOKED and cannot be moved");
            attachment.detach();
            refused(Errno.EINVAL, attachment::getSegments, "not attached any more");
            machine.found();
        }
    }
}
