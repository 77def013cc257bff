package sluice.vdev.gpu;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.linux.Seals;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.GpuBlobPicture;
import sluice.vdev.fixture.GpuResponse;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRegion;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.loopback.GuestVariant;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Memory that a front-end takes away while the GPU shows it: the scan-out is black until the blob has memory again, the
 * flush is answered with UNSPEC, and it is one finding.
 */
@Tag("loopback")
@ParameterizedClass
@MethodSource("guests")
class LostMemoryLoopbackTest {
    private static final int W = 64;
    private static final int H = 48;
    private static final GpuBlobPicture PICTURE = GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, W, H);
    private static final long MIB = 1 << 20;
    /** Where no guest has memory. */
    private static final GuestRegion EXTRA = new GuestRegion(1L << 40, 1L << 45, MIB, 0);
    private static final int READ_AND_WRITE = 3;

    private final GuestVariant guest;
    private final Findings findings = new Findings();
    private GpuBackEnd backEnd;
    private AttachedGpu gpu;
    private Fd file;
    private FileMapping memory;

    LostMemoryLoopbackTest(GuestVariant guest) {
        this.guest = guest;
    }

    static Stream<GuestVariant> guests() {
        return Stream.of(GuestVariant.USUAL, GuestVariant.overVfioUser().toList().getFirst());
    }

    @BeforeEach
    void start() throws IOException {
        backEnd = GpuBackEnd.withBlobs(DmaCore.open(DmaCoreOptions.counting(), findings),
                sluice.dmacore.device.Stream.COHERENT);
        gpu = AttachedGpu.startWithBlobs(backEnd, guest);
        file = Memfd.create("extra", Memfd.ALLOW_SEALING);
        Memfd.resize(file, MIB);
        Seals.add(file, Seals.SHRINK | Seals.GROW);
        memory = FileMappings.ofProcess().map(file);
        plug();
    }

    @AfterEach
    void end() {
        gpu.close();
        backEnd.close();
        memory.release();
        file.close();
    }

    private void plug() throws IOException {
        if (guest.bus() == GuestVariant.Bus.VHOST_USER) {
            gpu.session().frontEnd().addMemReg(EXTRA, file);
        } else {
            assertThat(gpu.pci().client().map(EXTRA.guestAddress(), MIB, 0, READ_AND_WRITE, file)).isZero();
        }
    }

    /** REM_MEM_REG or DMA_UNMAP: when it is answered, the device does not use the memory any more. */
    private void unplug() throws IOException {
        if (guest.bus() == GuestVariant.Bus.VHOST_USER) gpu.session().frontEnd().remMemReg(EXTRA);
        else assertThat(gpu.pci().client().unmap(EXTRA.guestAddress(), MIB)).isZero();
    }

    private GpuResponse flush() throws IOException {
        return gpu.driver().flush(1, PICTURE.all());
    }

    private int[] shown(int updates) {
        gpu.display().await(Update.class, updates);
        return gpu.display().picture(0).pixels();
    }

    private int[] draw(int seed) {
        int[] rgb = Canvas.noise(W * H, seed);
        MemorySegment.copy(rgb, 0, memory.segment(), ValueLayout.JAVA_INT_UNALIGNED, 0, rgb.length);
        return rgb;
    }

    private long mapped() {
        return backEnd.onLoop(() -> backEnd.device().space().table().mappings().size());
    }

    @Test
    void whatIsShownIsBlackUntilItsMemoryIsBack() throws IOException {
        gpu.driver().createBlob(1, PICTURE.end(), List.of(new Buffer(EXTRA.guestAddress(), PICTURE.end()))).ok();
        gpu.driver().setScanoutBlob(0, 1, PICTURE.all(), PICTURE).ok();
        int[] first = draw(1);
        flush().ok();
        assertThat(shown(1)).isEqualTo(first);
        assertThat(findings.errors()).isEmpty();
        unplug();
        assertThat(mapped()).isZero();
        flush().requireType(GpuWire.RESP_ERR_UNSPEC);
        // Whoever looks now, as a display that connects.
        backEnd.onLoop(() -> {
            backEnd.device().displayConnected();
            return true;
        });
        assertThat(shown(2)).containsOnly(0);
        flush().requireType(GpuWire.RESP_ERR_UNSPEC);
        assertThat(findings.errors()).singleElement().satisfies(finding -> {
            assertThat(finding.rule()).isEqualTo(Rule.SHOWN_WITHOUT_MEMORY);
            assertThat(finding.toString()).contains("resource 1");
        });
        plug();
        int[] second = draw(2);
        flush().ok();
        assertThat(shown(3)).isEqualTo(second);
    }

    @Test
    void whatIsDestroyedWithoutItsMemoryLeavesNothing() throws IOException {
        for (int round = 0; round < 3; round++) {
            gpu.driver().createBlob(1, PICTURE.end(), List.of(new Buffer(EXTRA.guestAddress(), PICTURE.end()))).ok();
            gpu.driver().setScanoutBlob(0, 1, PICTURE.all(), PICTURE).ok();
            flush().ok();
            unplug();
            gpu.driver().unref(1).ok();
            assertThat(mapped()).isZero();
            plug();
        }
        assertThat(findings.errors()).isEmpty();
    }
}
