package sluice.dmacore.exporter;

import java.io.IOException;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.buffer.Machine;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;

/** Memory owned elsewhere: buffers use it, but never free it. */
class ExportersTest {
    /** An importer's error path that freed what it had imported was a use after free for the exporter. */
    @Test
    @Tag("M28")
    void whatIsImportedIsNotTheImportersToFree() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping ram = machine.file(4);
            byte[] picture = Machine.bytes(4 * PAGE, 5);
            Machine.store(ram, 0, picture);
            for (int round = 0; round < 3; round++) {
                DmaBuf buffer = machine.core().export("frame", 2 * PAGE, new GuestPages(Machine.runs(ram, 3, 1)));
                Attachment attachment = buffer.attach(machine.device("display"), Stream.COHERENT);
                attachment.map(Direction.TO_DEVICE).unmap();
                attachment.detach();
                buffer.release();
            }
            assertThat(Machine.load(ram, 0, 4 * PAGE)).isEqualTo(picture);
            assertThat(machine.files().count()).isEqualTo(1);
            machine.found();
        }
    }

    /** The list is the exporter's own from the moment it is made: a guest that changes its own changes no buffer. */
    @Test
    void pagesOfAGuestAreTakenAsTheyAreListedNow() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping ram = machine.file(4);
            Runs listed = Machine.runs(ram, 2);
            GuestPages pages = new GuestPages(listed);
            listed.clear();
            assertThat(pages.name()).isEqualTo("guest");
            assertThat(pages.cpuWriters()).isEqualTo(Exporter.CpuWriters.UNSEEN);
            Machine.store(ram, 2 * PAGE, new byte[]{ 9 });
            DmaBuf buffer = machine.released(machine.core().export("frame", PAGE, pages));
            DeviceFunction device = machine.device("display");
            Attachment attachment = buffer.attach(device, Stream.COHERENT);
            var mapping = attachment.map(Direction.TO_DEVICE);
            assertThat(Machine.read(machine.view(device), mapping, 0, 1)).containsExactly(9);
            mapping.unmap();
            attachment.detach();
        }
    }

    @Test
    @Tag("S8")
    void memoryOfADeviceBeginsWhereItIsSaidAndIsForPeers() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping bar = machine.file(4);
            Machine.store(bar, PAGE, Machine.bytes(2 * PAGE, 3));
            DeviceMemory memory = new DeviceMemory(bar, PAGE);
            assertThat(memory.name()).isEqualTo("device memory");
            assertThat(memory.cpuWriters()).isEqualTo(Exporter.CpuWriters.BRACKETED);
            DmaBuf buffer = machine.released(machine.core().export("vram", 2 * PAGE, memory));
            DeviceFunction peer = machine.core().function("peer",
                    DeviceDmaParams.throughIommu().withPeerToPeer(true));
            Attachment attachment = buffer.attach(peer, Stream.COHERENT);
            var mapping = attachment.map(Direction.TO_DEVICE);
            assertThat(Machine.read(machine.view(peer), mapping, 0, 2 * PAGE)).isEqualTo(Machine.bytes(2 * PAGE, 3));
            mapping.unmap();
            attachment.detach();
            refused(Errno.EOPNOTSUPP, () -> buffer.attach(machine.device("stranger"), Stream.COHERENT),
                    "does not support peer to peer");
        }
    }
}
