package sluice.dmacore.buffer;

import java.io.IOException;
import java.util.Arrays;
import java.util.EnumSet;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;

/**
 * A device whose bytes go through the caches, and which has a part of a line or nothing of it any more: another one that does not snoop has
 * all that it writes there, once it is given it.
 */
class CutLinesTest {
    private static final int LINE = 64;
    /** Ends in the middle of the first line. */
    private static final int PART = 32;

    /** How its bytes get into the caches. */
    enum Way {
        /** They are copied back. */
        COPY,
        /** It snoops. */
        SNOOPING
    }

    private Machine machine;
    private FileMapping ram;
    private DmaBuf buffer;
    private Attachment shown;
    private DeviceView screen;
    @SuppressWarnings("NullAway.Init") // start
    private DeviceMapping display;
    @SuppressWarnings("NullAway.Init") // start
    private Attachment attachment;
    @SuppressWarnings("NullAway.Init") // start
    private DeviceView view;
    @SuppressWarnings("NullAway.Init") // start
    private DeviceMapping camera;

    @BeforeEach
    void opens() throws IOException {
        machine = Machine.modelled();
        ram = machine.file(8);
        buffer = machine.released(machine.core().export("told", 2 * PAGE,
                new BracketedPages(Machine.runs(ram, 5, 2))));
        DeviceFunction function = machine.device("display");
        shown = buffer.attach(function, Stream.NON_COHERENT);
        screen = machine.view(function);
    }

    private void start(Way way, Direction direction) throws IOException {
        DeviceFunction function = machine.core().function("camera",
                way == Way.COPY
                        ? DeviceDmaParams.scatterGather().withSegments(1 << 20, 1)
                        : DeviceDmaParams.throughIommu());
        attachment = way == Way.COPY
                ? buffer.attachBouncing(function, Stream.NON_COHERENT)
                : buffer.attach(function, Stream.COHERENT);
        view = machine.view(function);
        display = shown.map(direction);
        camera = attachment.map(Direction.BIDIRECTIONAL,
                way == Way.COPY ? EnumSet.of(DmaAttribute.ALLOW_BOUNCE) : EnumSet.noneOf(DmaAttribute.class));
    }

    @AfterEach
    void closes() throws IOException {
        attachment.detach();
        shown.detach();
        machine.close();
    }

    /** The device writes its part of the first line, when the other one has what was there. */
    private void writesItsPart(Way way) {
        // What was copied in part is in the copy already.
        if (way == Way.SNOOPING) Machine.write(view, camera, PART, filled(LINE - PART, 2));
    }

    /** The first line is in the caches as it is wanted, and nobody has done anything wrong; so it is for the display, once it has it. */
    private void isThereForTheDisplay(byte[] line) throws IOException {
        display.syncForDevice();
        assertThat(Machine.read(screen, display, 0, LINE)).isEqualTo(line);
        display.unmap();
        assertThat(Machine.load(ram, 5 * PAGE, LINE)).isEqualTo(line);
        machine.mistaken();
    }

    private static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    /** One half of a line, and the other. */
    private static byte[] halves(int first, int second) {
        byte[] line = filled(LINE, second);
        Arrays.fill(line, 0, PART, (byte) first);
        return line;
    }

    private void hasAPart(Way way, Direction direction) throws IOException {
        start(way, direction);
        Machine.write(view, camera, 0, halves(1, way == Way.COPY ? 2 : 1));
        camera.syncForCpu(0, PART, Direction.BIDIRECTIONAL);
        display.syncForDevice();
        writesItsPart(way);
    }

    @ParameterizedTest
    @CsvSource({ "COPY, TO_DEVICE", "COPY, BIDIRECTIONAL", "SNOOPING, TO_DEVICE", "SNOOPING, BIDIRECTIONAL" })
    void whatItHasOfALineIsInTheCachesWhenItsMappingEnds(Way way, Direction direction) throws IOException {
        hasAPart(way, direction);
        camera.unmap();
        isThereForTheDisplay(halves(1, 2));
    }

    @ParameterizedTest
    @CsvSource({ "COPY, TO_DEVICE", "COPY, BIDIRECTIONAL", "SNOOPING, TO_DEVICE", "SNOOPING, BIDIRECTIONAL" })
    void whatItHasOfALineIsInTheCachesWhenItIsTakenBack(Way way, Direction direction) throws IOException {
        hasAPart(way, direction);
        camera.syncForCpu(PART, LINE - PART, Direction.FROM_DEVICE);
        isThereForTheDisplay(halves(1, 2));
        camera.unmap();
    }

    @ParameterizedTest
    @CsvSource({ "COPY, TO_DEVICE", "COPY, BIDIRECTIONAL", "SNOOPING, TO_DEVICE", "SNOOPING, BIDIRECTIONAL" })
    void whatItHasOfALineIsInTheCachesWhenTheCpuReadsIt(Way way, Direction direction) throws IOException {
        hasAPart(way, direction);
        try (Opener opener = buffer.open("reader"); CpuAccess access = opener.begin(0, LINE, Direction.FROM_DEVICE)) {
            byte[] line = new byte[LINE];
            access.read(0, line, 0, LINE);
            assertThat(line).isEqualTo(halves(1, 2));
        }
        isThereForTheDisplay(halves(1, 2));
        camera.unmap();
    }

    /** The other half is in the copy, and newer there: who reads it in the buffer reads what was there before. */
    @Test
    void whatWasNotTakenBackOfALineIsTheCopys() throws IOException {
        start(Way.COPY, Direction.TO_DEVICE);
        Machine.write(view, camera, 0, halves(1, 2));
        camera.syncForCpu(0, PART, Direction.FROM_DEVICE);
        display.syncForDevice();
        assertThat(Machine.read(screen, display, 0, LINE)).isEqualTo(halves(1, 0));
        assertThat(machine.only(Rule.MISSING_SYNC_FOR_CPU)).extracting(Finding::from, Finding::length)
                .containsExactly((long) PART, (long) LINE - PART);
        machine.foundNext(Rule.BOUNCED, Rule.MISSING_SYNC_FOR_CPU);
        camera.unmap();
        isThereForTheDisplay(halves(1, 2));
    }

    /** A GPU that snoops may draw what a display has: when that gives it back, it was not the CPU that wrote. */
    @Test
    void whatASnoopingDeviceWroteIsNotTheCpusWhenAnotherGivesItBack() throws IOException {
        start(Way.SNOOPING, Direction.TO_DEVICE);
        Machine.write(view, camera, 0, filled(LINE, 1));
        display.syncForCpu(0, LINE, Direction.TO_DEVICE);
        machine.found();
        camera.unmap();
        isThereForTheDisplay(filled(LINE, 1));
    }

    /** No byte moves, and what it wrote through the caches is in them. */
    @Test
    void whatItHasOfALineIsInTheCachesWhenItsMappingIsForgotten() throws IOException {
        hasAPart(Way.SNOOPING, Direction.BIDIRECTIONAL);
        camera.discard();
        isThereForTheDisplay(halves(1, 2));
    }

    /** It has the rest of the line, and the display is given the line in the middle of that. */
    @Test
    void whatItHasOfALineIsWrittenBackWhileItHasIt() throws IOException {
        hasAPart(Way.SNOOPING, Direction.TO_DEVICE);
        isThereForTheDisplay(halves(1, 2));
        camera.unmap();
    }

    /** Nothing of the line is its any more, and it is replaced all the same: that is a mistake, and the line is in the caches. */
    @Test
    void whatIsCopiedOverALineThatWasTakenBackIsInTheCaches() throws IOException {
        start(Way.COPY, Direction.BIDIRECTIONAL);
        Machine.write(view, camera, 0, filled(LINE, 1));
        camera.syncForCpu();
        DmaBuf alias = machine.released(machine.core().export("alias", PAGE, new BracketedPages(Machine.runs(ram, 5))));
        try (Opener opener = alias.open("writer"); CpuAccess access = opener.begin(0, LINE, Direction.TO_DEVICE)) {
            access.write(0, filled(LINE, 2), 0, LINE);
        }
        camera.unmap();
        assertThat(machine.only(Rule.CPU_WRITES_LOST)).extracting(Finding::from, Finding::length)
                .containsExactly(0L, (long) LINE);
        machine.about(Rule.D17_OVERLAPPING_WRITES, "[0x0, 0x1fff]");
        machine.about(Rule.SAME_PAGES_TWICE, "[0x0, 0xfff]");
        machine.foundNext(Rule.BOUNCED, Rule.D17_OVERLAPPING_WRITES, Rule.SAME_PAGES_TWICE, Rule.CPU_WRITES_LOST);
        isThereForTheDisplay(filled(LINE, 1));
    }

    /** As before, but the display reads without a transfer, which is the missing call that the finding names. */
    @Test
    void whatIsCopiedOverALineOfAnotherDeviceIsToBeGivenToItAgain() throws IOException {
        hasAPart(Way.COPY, Direction.TO_DEVICE);
        camera.unmap();
        Machine.read(screen, display, 0, LINE);
        assertThat(machine.only(Rule.MISSING_SYNC_FOR_DEVICE)).extracting(Finding::from, Finding::length)
                .containsExactly((long) PART, (long) LINE - PART);
        machine.foundNext(Rule.BOUNCED, Rule.MISSING_SYNC_FOR_DEVICE);
        isThereForTheDisplay(halves(1, 2));
    }
}
