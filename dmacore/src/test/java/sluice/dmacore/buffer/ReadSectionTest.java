package sluice.dmacore.buffer;

import java.io.IOException;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.MemoryPool;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.iommu.Access;
import sluice.iommu.space.Outcome;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;

/** Mappings that end while in use: by a thread that would wait for itself, and by a sync of another thread. */
class ReadSectionTest {
    private static final long LIMIT_SECONDS = 20;

    private static DeviceFunction[] functions(Machine machine) {
        return new DeviceFunction[]{ machine.device("iommu"),
                machine.core().function("no iommu", DeviceDmaParams.scatterGather()) };
    }

    @Test
    void whoIsInAReadSectionOfItsOwnUnmapsNothingAndLosesNothing() throws IOException {
        try (Machine machine = Machine.modelled()) {
            for (DeviceFunction device : functions(machine)) {
                FileMapping ram = machine.file(1);
                DeviceView view = machine.view(device);
                DmaBuf buffer = machine.guest("frame", ram, 0);
                Attachment attachment = buffer.attach(device, Stream.NON_COHERENT);
                DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
                Machine.write(view, mapping, 0, Machine.bytes(PAGE, 1));
                try (var _ = view.enter()) {
                    refused(Errno.EDEADLK, mapping::unmap, "leave the section first");
                    refused(Errno.EDEADLK, mapping::discard, "leave the section first");
                    assertThatThrownBy(attachment::detach).isInstanceOf(IllegalStateException.class)
                            .hasMessageContaining("leave it first");
                    assertThatThrownBy(buffer::revoke).isInstanceOf(IllegalStateException.class);
                    assertThat(view.find(mapping, 0, PAGE, Access.READ, new Runs())).isEqualTo(Outcome.RESOLVED);
                }
                assertThat(mapping.isLive()).isTrue();
                assertThat(buffer.state()).isEqualTo(DmaBuf.State.ALLOCATED);
                assertThat(buffer.attachments()).containsExactly(attachment);
                machine.found();
                Machine.write(view, mapping, 8, new byte[8]);
                mapping.unmap();
                assertThat(Machine.load(ram, 16, PAGE - 16)).as("transferred")
                        .isEqualTo(Arrays.copyOfRange(Machine.bytes(PAGE, 1), 16, PAGE));
                assertThat(device.space().table().mappings()).isEmpty();
                assertThat(device.liveMappings()).isZero();
                try (var _ = view.enter()) {
                    refused(Errno.EDEADLK, () -> attachment.map(Direction.TO_DEVICE), "leave the section first");
                    attachment.detach(); // nothing is mapped, and nobody waits
                }
                machine.found();
            }
        }
    }

    /** Also a device without an IOMMU, for which nothing is taken out of a table. */
    @Test
    void anUnmapReturnsWhenNoDeviceIsAtItAnyMore() throws Exception {
        try (Machine machine = Machine.counting(); ExecutorService threads = Executors.newSingleThreadExecutor()) {
            for (DeviceFunction device : functions(machine)) {
                Attachment attachment = machine.guest("frame", machine.file(1), 0).attach(device, Stream.COHERENT);
                DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
                CountDownLatch over = new CountDownLatch(1);
                Future<?> unmap;
                try (DeviceView view = DeviceView.open(device)) {
                    try (var _ = view.enter()) {
                        assertThat(view.find(mapping, 0, PAGE, Access.READ, new Runs())).isEqualTo(Outcome.RESOLVED);
                        unmap = threads.submit(() -> {
                            mapping.unmap();
                            over.countDown();
                            return null;
                        });
                        assertThat(over.await(100, TimeUnit.MILLISECONDS))
                                .as("over in a read section, %s", device.name())
                                .isFalse();
                    }
                    unmap.get(LIMIT_SECONDS, TimeUnit.SECONDS);
                }
                attachment.detach();
            }
            machine.found();
        }
    }

    @Test
    @Tag("S35")
    void aMoveInsideOfAReadSectionIsRefused() throws IOException {
        try (Machine machine = Machine.counting()) {
            MemoryPool pool = machine.pool(8, false);
            DmaBuf buffer = machine.own("frame", pool, PAGE);
            DeviceFunction gpu = machine.device("gpu");
            DeviceView view = machine.view(gpu);
            Attachment attachment = buffer.attachDynamic(gpu, Stream.COHERENT, _ -> {
                throw new AssertionError("told of a move that is refused");
            });
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            try (var _ = view.enter()) {
                refused(Errno.EDEADLK, buffer::move, "inside of a read section of gpu");
            }
            assertThat(buffer.state()).isEqualTo(DmaBuf.State.ALLOCATED);
            assertThat(mapping.isLive()).isTrue();
            mapping.unmap();
            attachment.detach();
            machine.found();
        }
    }

    /** The names of buffers are part of findings, and a device that does wrong in its section must not wait for an unmap. */
    @Test
    void aFindingInsideOfAReadSectionDoesNotWaitForTheBuffer() throws Exception {
        try (Machine machine = Machine.counting(); ExecutorService threads = Executors.newSingleThreadExecutor()) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            DeviceFunction gpu = machine.device("gpu");
            Attachment attachment = buffer.attach(gpu, Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            Future<Outcome> outcome;
            synchronized (buffer) {
                outcome = threads.submit(() -> {
                    try (DeviceView view = DeviceView.open(gpu); var _ = view.enter()) {
                        return view.find(mapping, PAGE, 1, Access.READ, new Runs());
                    }
                });
                assertThat(outcome.get(LIMIT_SECONDS, TimeUnit.SECONDS)).isEqualTo(Outcome.FAULT);
            }
            mapping.unmap();
            attachment.detach();
            machine.found(Rule.DEVICE_OUTSIDE_MAPPING);
        }
    }

    /** A mapping through other memory, which goes with it: 2,000 of them, and a thread that syncs each until it is gone. */
    @Test
    @Tag("D19")
    void aSyncThatMeetsAnUnmapFindsTheMappingOrIsToldThatThereIsNone() throws Exception {
        try (Machine machine = Machine.counting(); ExecutorService threads = Executors.newSingleThreadExecutor()) {
            DeviceFunction old = machine.core().function("old", DeviceDmaParams.physicallyContiguous());
            Attachment attachment = machine.guest("frame", machine.file(8), 5, 2, 7, 1).attachBouncing(old,
                    Stream.COHERENT);
            for (int round = 0; round < 2000; round++) {
                DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL, EnumSet.of(DmaAttribute.ALLOW_BOUNCE));
                CountDownLatch syncing = new CountDownLatch(1);
                Future<Integer> refusal = threads.submit(() -> {
                    while (true) {
                        try {
                            mapping.syncForDevice();
                            syncing.countDown();
                            mapping.syncForCpu();
                        } catch (DmaBufException e) {
                            return e.errno();
                        }
                    }
                });
                assertThat(syncing.await(LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
                mapping.unmap();
                assertThat(refusal.get(LIMIT_SECONDS, TimeUnit.SECONDS)).isEqualTo(Errno.EINVAL);
            }
            assertThat(machine.core().findings().times(Rule.D19_SYNC_NOT_MAPPED)).isEqualTo(2000);
            attachment.detach();
            assertThat(machine.core().findings().errors()).extracting(finding -> finding.rule())
                    .containsOnly(Rule.D19_SYNC_NOT_MAPPED);
        }
    }
}
