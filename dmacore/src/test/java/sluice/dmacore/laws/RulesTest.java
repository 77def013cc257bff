package sluice.dmacore.laws;

import java.io.IOException;
import java.util.List;

import org.junit.jupiter.api.Test;

import sluice.dmacore.finding.Rule;
import sluice.dmacore.laws.Outcome.Reader;
import sluice.dmacore.laws.Setting.Kind;
import sluice.dmacore.laws.Setting.Piece;
import sluice.dmacore.laws.Setting.Port;
import sluice.dmacore.laws.Setting.Shape;
import sluice.dmacore.laws.Step.Mode;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.ownership.Flavour;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.ownership.Direction.BIDIRECTIONAL;
import static sluice.dmacore.ownership.Direction.FROM_DEVICE;
import static sluice.dmacore.ownership.Direction.TO_DEVICE;

/** That the rules are those of the documents: programs that a driver developer would call right, and wrong, one by one. */
class RulesTest {
    private static final int GPU = 0;
    private static final int DISPLAY = 1;
    private static final int CAMERA = 2;
    private static final int OLD = 3;
    private static final int ALL = 200;

    /** A buffer of 200 bytes in two pieces, for a GPU that snoops, a display and a camera that do not, and a device of copies. */
    private static Program program(Step... steps) {
        Shape frame = new Shape(Kind.GUEST, List.of(new Piece(0, 0, 128), new Piece(0, 4096, 72)), List.of());
        return new Program(0, new Layout(new Setting(Flavour.ARM64, new Eviction.Lazy(), List.of(frame),
                List.of(new Port(0, 0, true, false, false, false), new Port(0, 1, false, false, false, false),
                        new Port(0, 2, false, false, false, false), new Port(0, 3, true, true, false, false)))),
                List.of(steps));
    }

    private static Step.Map map(int who, sluice.dmacore.ownership.Direction direction) {
        return new Step.Map(who, direction, Mode.PLAIN);
    }

    private static Step.ForDevice give(int who, sluice.dmacore.ownership.Direction part) {
        return new Step.ForDevice(who, 0, ALL, part);
    }

    private static Step.ForCpu take(int who, sluice.dmacore.ownership.Direction part) {
        return new Step.ForCpu(who, 0, ALL, part);
    }

    private static final Step DRAW = new Step.Store(0, 0, ALL);
    private static final Step LOOK = new Step.Load(0, 0, ALL);

    private static void isRight(Step... steps) {
        assertThat(Rules.keeps(program(steps))).isTrue();
    }

    private static void isWrong(Step... steps) {
        assertThat(Rules.keeps(program(steps))).isFalse();
    }

    @Test
    void whatTheCpuDrawsIsGivenToTheDisplay() {
        Step show = new Step.DeviceRead(DISPLAY, 0, ALL);
        isRight(new Step.Attach(DISPLAY), map(DISPLAY, TO_DEVICE), take(DISPLAY, TO_DEVICE), DRAW,
                give(DISPLAY, TO_DEVICE),
                show, new Step.Unmap(DISPLAY));
        isWrong(new Step.Attach(DISPLAY), map(DISPLAY, TO_DEVICE), take(DISPLAY, TO_DEVICE), DRAW, show,
                new Step.Unmap(DISPLAY));
        isWrong(new Step.Attach(DISPLAY), map(DISPLAY, TO_DEVICE), DRAW, give(DISPLAY, TO_DEVICE), show,
                new Step.Unmap(DISPLAY));
        isWrong(new Step.Attach(DISPLAY), map(DISPLAY, TO_DEVICE), take(DISPLAY, TO_DEVICE), DRAW,
                new Step.ForDevice(DISPLAY, 0, 100, TO_DEVICE), show, new Step.Unmap(DISPLAY));
    }

    @Test
    void whatTheCameraWritesIsTakenBack() {
        Step capture = new Step.DeviceWrite(CAMERA, 0, ALL);
        isRight(new Step.Attach(CAMERA), map(CAMERA, FROM_DEVICE), capture, take(CAMERA, FROM_DEVICE), LOOK,
                new Step.Unmap(CAMERA));
        isRight(new Step.Attach(CAMERA), map(CAMERA, FROM_DEVICE), capture, new Step.Unmap(CAMERA), LOOK);
        isWrong(new Step.Attach(CAMERA), map(CAMERA, FROM_DEVICE), capture, LOOK, new Step.Unmap(CAMERA));
        isWrong(new Step.Attach(CAMERA), map(CAMERA, BIDIRECTIONAL), capture, take(CAMERA, TO_DEVICE), LOOK,
                new Step.Unmap(CAMERA));
    }

    @Test
    void aDeviceWorksInPlaceWithDirectionalSyncs() {
        isRight(new Step.Attach(CAMERA), map(CAMERA, BIDIRECTIONAL), take(CAMERA, FROM_DEVICE), DRAW,
                give(CAMERA, TO_DEVICE),
                new Step.DeviceRead(CAMERA, 0, ALL), new Step.DeviceWrite(CAMERA, 0, ALL), take(CAMERA, FROM_DEVICE),
                LOOK,
                new Step.Unmap(CAMERA));
        isWrong(new Step.Attach(CAMERA), map(CAMERA, BIDIRECTIONAL), take(CAMERA, FROM_DEVICE), DRAW,
                give(CAMERA, FROM_DEVICE), new Step.DeviceRead(CAMERA, 0, ALL), new Step.Unmap(CAMERA));
    }

    @Test
    void aGpuThatSnoopsHandsOverToADisplayThatDoesNot() {
        Step attach = new Step.Attach(GPU);
        Step render = new Step.DeviceWrite(GPU, 0, ALL);
        Step show = new Step.DeviceRead(DISPLAY, 0, ALL);
        isRight(attach, new Step.Attach(DISPLAY), map(GPU, BIDIRECTIONAL), map(DISPLAY, TO_DEVICE), render,
                take(GPU, BIDIRECTIONAL), give(DISPLAY, TO_DEVICE), show, new Step.Unmap(GPU), new Step.Unmap(DISPLAY));
        isWrong(attach, new Step.Attach(DISPLAY), map(GPU, BIDIRECTIONAL), map(DISPLAY, TO_DEVICE), render,
                take(GPU, BIDIRECTIONAL), show, new Step.Unmap(GPU), new Step.Unmap(DISPLAY));
        isWrong(attach, new Step.Attach(DISPLAY), map(GPU, BIDIRECTIONAL), map(DISPLAY, TO_DEVICE), render,
                give(DISPLAY, TO_DEVICE), take(GPU, BIDIRECTIONAL), show, new Step.Unmap(GPU), new Step.Unmap(DISPLAY));
    }

    @Test
    void noCallDropsWhatTheCpuHasWritten() {
        isWrong(new Step.Attach(CAMERA), map(CAMERA, BIDIRECTIONAL), take(CAMERA, BIDIRECTIONAL), DRAW,
                new Step.Unmap(CAMERA));
        isRight(new Step.Attach(CAMERA), map(CAMERA, BIDIRECTIONAL), take(CAMERA, BIDIRECTIONAL), DRAW,
                give(CAMERA, TO_DEVICE), new Step.Unmap(CAMERA));
        isWrong(new Step.Attach(OLD), map(OLD, BIDIRECTIONAL), take(OLD, BIDIRECTIONAL), DRAW, new Step.Unmap(OLD));
    }

    @Test
    void aLineHasOneOwner() {
        Step half = new Step.ForCpu(CAMERA, 0, 100, BIDIRECTIONAL);
        isWrong(new Step.Attach(CAMERA), map(CAMERA, BIDIRECTIONAL), half, new Step.Store(0, 80, 20),
                give(CAMERA, BIDIRECTIONAL), new Step.Unmap(CAMERA));
        isRight(new Step.Attach(CAMERA), map(CAMERA, BIDIRECTIONAL), half, new Step.Store(0, 0, 64),
                give(CAMERA, BIDIRECTIONAL), new Step.Unmap(CAMERA));
    }

    /** A ring of periods of 100 bytes: the CPU reads one, and the device writes the next, on the same line. */
    @Test
    void whatOneReadsOfALineAnotherDoesNotWrite() {
        Step attach = new Step.Attach(CAMERA);
        Step first = new Step.ForCpu(CAMERA, 0, 100, FROM_DEVICE);
        Step read = new Step.Load(0, 0, 100);
        Step write = new Step.DeviceWrite(CAMERA, 100, 28);
        Step second = new Step.ForCpu(CAMERA, 100, 100, FROM_DEVICE);
        Step end = new Step.Unmap(CAMERA);
        isRight(attach, map(CAMERA, BIDIRECTIONAL), first, write, read, second, LOOK, end);
        isWrong(attach, map(CAMERA, BIDIRECTIONAL), first, write, new Step.Load(0, 0, 101), second, LOOK, end);
        isWrong(attach, map(CAMERA, BIDIRECTIONAL), first, new Step.DeviceWrite(CAMERA, 99, 29), second, end);
        isWrong(attach, map(CAMERA, BIDIRECTIONAL), first, new Step.Store(0, 80, 20), write, second, end);
    }

    @Test
    void aPartIsTakenBackInTheMiddleOfAnAccess() {
        Step attach = new Step.Attach(CAMERA);
        Step begin = new Step.Begin(0, 0, 0, 128, FROM_DEVICE);
        Step part = new Step.ForCpu(CAMERA, 0, 100, FROM_DEVICE);
        Step write = new Step.DeviceWrite(CAMERA, 100, 28);
        Step unmap = new Step.Unmap(CAMERA);
        isRight(attach, map(CAMERA, BIDIRECTIONAL), begin, part, new Step.End(0), write, unmap, LOOK);
        isWrong(attach, map(CAMERA, BIDIRECTIONAL), begin, part, write, new Step.End(0), unmap, LOOK);
        isWrong(attach, map(CAMERA, BIDIRECTIONAL), begin, new Step.ForCpu(CAMERA, 0, 128, FROM_DEVICE),
                new Step.End(0), write, unmap, LOOK);
    }

    @Test
    void aRefusedCallIsKnownAsOne() {
        Program program = program(new Step.Attach(DISPLAY), map(DISPLAY, TO_DEVICE), map(DISPLAY, TO_DEVICE),
                give(DISPLAY, BIDIRECTIONAL), new Step.ForCpu(DISPLAY, 150, 51, TO_DEVICE), new Step.Unmap(DISPLAY),
                new Step.Unmap(DISPLAY), new Step.Move(0));
        assertThat(Rules.keeps(program)).isTrue();
        assertThat(Rules.refused(program).stream()).containsExactly(2, 3, 4, 6, 7);
    }

    /** The first example of the README: the reader's bytes are found wrong, and the finding is taken for what it is. */
    @Test
    void aForgottenSyncIsSeenByTheReader() throws IOException {
        Program program = program(new Step.Attach(DISPLAY), map(DISPLAY, TO_DEVICE), take(DISPLAY, TO_DEVICE), DRAW,
                new Step.DeviceRead(DISPLAY, 0, ALL));
        try (Bench bench = Bench.withFiles()) {
            Outcome outcome = Run.of(program, bench);
            assertThat(outcome.thrown()).isNull();
            assertThat(outcome.wrong()).extracting(Outcome.WrongRead::reader).containsOnly(Reader.DEVICE).hasSize(4);
            assertThat(outcome.wrong()).extracting(Outcome.WrongRead::stored).containsOnly(3);
            assertThat(outcome.told()).extracting(Outcome.Told::rule).containsOnly(Rule.MISSING_SYNC_FOR_DEVICE);
            assertThat(Laws.RIGHT_PROGRAM.brokenBy(program, outcome)).startsWith("wrong bytes DEVICE: ");
            assertThat(Laws.WRONG_BYTES.brokenBy(program, outcome)).isNull();
            Outcome silent = new Outcome(outcome.wrong(), List.of(), List.of(), null);
            assertThat(Laws.WRONG_BYTES.brokenBy(program, silent)).startsWith("silent DEVICE: ");
        }
    }
}
