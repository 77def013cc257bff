package sluice.dmacore.buffer;

import java.io.IOException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.exporter.MemoryPool;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.MemoryFiles;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.model.ShadowCaches;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;

/** The memory behind the caches cannot be had: the device is refused, and nothing has changed. */
class ShadowShortageTest {
    private static final String NO_MEMORY = "no memory to play the caches";
    /** A file is played by a shadow and its twins: two mappings. */
    private static final int ONE_FILE = 2;

    private final MemoryFiles ram = new MemoryFiles(16);
    private final MemoryFiles shadows = new MemoryFiles(ONE_FILE);
    private final DmaCore core = DmaCore.open(DmaCoreOptions.counting().withFiles(ram.mappings())
            .withExecutor(new ShadowCaches(shadows.mappings(), new Eviction.Lazy())));
    private final DeviceFunction gpu = core.function("gpu", DeviceDmaParams.throughIommu());

    @AfterEach
    void nothingIsLeftMapped() {
        ram.awaitUnmapped();
        shadows.awaitUnmapped();
    }

    @Test
    void anAttachmentIsRefusedAndChangesNothing() throws IOException {
        FileMapping one = ram.mapping(PAGE);
        FileMapping other = ram.mapping(PAGE);
        Runs pages = new Runs();
        pages.add(one, 0, PAGE);
        pages.add(other, 0, PAGE);
        DmaBuf both = core.export("both", 2 * PAGE, new GuestPages(pages));
        refused(Errno.ENOMEM, () -> both.attach(gpu, Stream.NON_COHERENT), NO_MEMORY);
        assertThat(both.attachments()).isEmpty();
        shadows.awaitUnmapped();
        both.attach(gpu, Stream.COHERENT).detach();

        DmaBuf first = core.export("first", PAGE, new GuestPages(Machine.runs(one, 0)));
        Attachment attachment = first.attach(gpu, Stream.NON_COHERENT);
        refused(Errno.ENOMEM, () -> both.attach(gpu, Stream.NON_COHERENT), NO_MEMORY);
        attachment.map(Direction.TO_DEVICE).unmap();
        attachment.detach();
        first.release();
        both.release();
        one.release();
        other.release();
    }

    /** Which is refused when there is memory to be played, and not before. */
    @Test
    void aMapOfLateMemoryIsRefusedAndGivesTheMemoryBack() throws IOException {
        FileMapping taken = ram.mapping(PAGE);
        DmaBuf first = core.export("first", PAGE, new GuestPages(Machine.runs(taken, 0)));
        Attachment attachment = first.attach(gpu, Stream.NON_COHERENT);
        try (MemoryPool pool = MemoryPool.open(ram.mappings(), 4 * PAGE, 7, true)) {
            DmaBuf late = core.export("late", PAGE, pool);
            Attachment second = late.attach(gpu, Stream.NON_COHERENT);
            refused(Errno.ENOMEM, () -> second.map(Direction.TO_DEVICE), NO_MEMORY);
            attachment.detach();
            shadows.awaitUnmapped();
            second.map(Direction.TO_DEVICE).unmap();
            second.detach();
            late.release();
        }
        first.release();
        taken.release();
    }
}
