package sluice.guest.check;

import java.util.List;

import org.junit.jupiter.api.Test;

import sluice.guest.KernelConfigs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

/** Which cells a kernel can run, by what it was built with. */
class KernelNeedsTest {
    private static final String DRIVER = "saa7134_empress";
    private static final List<Cell> CELLS = Matrix.of(Matrix.USUAL, List.of(Memory.values()),
            List.of(Use.SYNC));

    private static KernelNeeds needs(String... without) {
        List<String> lines = KernelNeeds.fragment(DRIVER, CELLS).lines()
                .filter(line -> List.of(without).stream().noneMatch(one -> line.startsWith("CONFIG_" + one + "=")))
                .toList();
        return new KernelNeeds(KernelConfigs.of(lines));
    }

    @Test
    void theFragmentHasAllThatCellsNeed() throws Exception {
        KernelNeeds needs = needs();
        needs.require(DRIVER);
        assertThat(needs.hasWitness()).isTrue();
        assertThat(needs.notes(CELLS, CallSource.MODULE)).isEmpty();
        assertThat(CELLS).allSatisfy(cell -> assertThat(needs.obstacle(cell)).isEmpty());
        List<String> lines = KernelNeeds.fragment(DRIVER, CELLS).lines().toList();
        assertThat(lines).allMatch(line -> line.matches("#.*|CONFIG_[A-Z0-9_]+=[ym]"));
        assertThat(lines).filteredOn(line -> line.startsWith("CONFIG_")).doesNotHaveDuplicates()
                .contains("CONFIG_VIDEO_SAA7134=m", "CONFIG_UDMABUF=y");
    }

    @Test
    void anExporterThatIsMissingSkipsItsCells() {
        KernelNeeds needs = needs("UDMABUF");
        for (Cell cell : CELLS) {
            if (cell.memory().needs().contains("CONFIG_UDMABUF")) {
                assertThat(needs.obstacle(cell))
                        .hasValue("this kernel lacks CONFIG_UDMABUF (buffers of %s)".formatted(cell.memory().label()));
            } else {
                assertThat(needs.obstacle(cell)).isEmpty();
            }
        }
        assertThat(needs.notes(CELLS, CallSource.MODULE)).containsExactly(
                "this kernel lacks CONFIG_UDMABUF, for buffers of udmabuf",
                "this kernel lacks CONFIG_UDMABUF, for buffers of udmabuf-huge",
                "this kernel lacks CONFIG_UDMABUF, for buffers of udmabuf-twice");
    }

    @Test
    void withoutTheWitnessACardThatDoesNotSnoopIsNotTried() {
        KernelNeeds needs = needs("FUNCTION_TRACER");
        assertThat(needs.hasWitness()).isFalse();
        for (Cell cell : CELLS)
            assertThat(needs.obstacle(cell).isEmpty()).isEqualTo(cell.setup().snoops() && !cell.isSilentWhereBounced());
        assertThat(needs.obstacle(new Cell(Matrix.BOUNCED, Memory.HEAP, Use.NO_SYNC)))
                .as("wrong bytes that nothing explains")
                .isPresent();
        assertThat(needs.obstacle(new Cell(Matrix.BOUNCED, Memory.HEAP, Use.SYNC))).isEmpty();
    }

    @Test
    void whatNothingRunsWithoutIsAnErrorThatNamesAllOfIt() {
        assertThatIOException().isThrownBy(() -> needs("PCI", "SERIAL_8250_CONSOLE", "VIDEO_SAA7134").require(DRIVER))
                .withMessageContainingAll("CONFIG_PCI (the card)", "CONFIG_SERIAL_8250_CONSOLE (the guest's console)",
                        "CONFIG_VIDEO_SAA7134 (the driver " + DRIVER + ")", "--print=config");
    }

    @Test
    void aKernelWithoutAConfigurationIsTakenToHaveEverything() throws Exception {
        KernelNeeds needs = new KernelNeeds(null);
        needs.require(DRIVER);
        assertThat(CELLS).allSatisfy(cell -> assertThat(needs.obstacle(cell)).isEmpty());
    }
}
