package sluice.dmacore.memory;

import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import sluice.iommu.Access;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Generations of a memory table keep their files mapped exactly as long as they are referenced. */
class GenerationsTest {
    private static final long PAGE = MemoryRegion.PAGE;

    private final MemoryFiles files = new MemoryFiles(4);
    private MemoryRegion low;
    private MemoryRegion high;

    @BeforeEach
    void makeTwoRegionsOfTwoFiles() throws Exception {
        low = MemoryRegion.of(0, PAGE, 0x10_0000, files.mapping(PAGE), 0);
        high = MemoryRegion.of(PAGE, PAGE, 0x20_0000, files.mapping(PAGE), 0);
    }

    private void letGoOfTheFiles() {
        low.mapping().release();
        high.mapping().release();
    }

    @AfterEach
    void everythingIsUnmapped() {
        files.awaitUnmapped();
    }

    @Test
    void aGenerationKeepsItsFilesUntilItsLastHolderGoes() {
        GuestMemory both = GuestMemory.of(List.of(low, high));
        letGoOfTheFiles();
        both.retain();
        both.release();
        high.mapping().segment().set(JAVA_BYTE, 0, (byte) 1);
        assertThat(files.mapped()).isEqualTo(2);
        both.release();
    }

    @Test
    void aFileThatTwoGenerationsShareLivesAsLongAsEither() {
        GuestMemory first = GuestMemory.of(List.of(low));
        GuestMemory second = first.with(high);
        GuestMemory third = second.without(low);
        letGoOfTheFiles();
        assertThat(List.of(first.number(), second.number(), third.number())).doesNotHaveDuplicates();
        assertThat(second.regions()).containsExactly(low, high);
        assertThat(third.regions()).containsExactly(high);
        first.release();
        low.mapping().segment().get(JAVA_BYTE, 0);
        second.release();
        MemoryFiles.await("unmapping the low file", () -> files.mapped() == 1);
        assertThat(low.mapping().segment().scope().isAlive()).isFalse();
        high.mapping().segment().get(JAVA_BYTE, 0);
        third.release();
    }

    @Test
    void aGenerationThatIsGoneStaysGone() {
        GuestMemory memory = GuestMemory.of(List.of(low));
        memory.release();
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(memory::retain).isInstanceOf(IllegalStateException.class)
                    .hasMessage("generation " + memory.number() + " is gone");
        }
        assertThatThrownBy(memory::release).isInstanceOf(IllegalStateException.class)
                .hasMessage("generation " + memory.number() + " was released more often than retained");
        // The file was given back once: its other holder can still use it.
        low.mapping().segment().set(JAVA_BYTE, 0, (byte) 1);
        letGoOfTheFiles();
    }

    @Test
    void theEmptyGenerationHasNoMemory() {
        GuestMemory memory = GuestMemory.empty();
        Runs runs = new Runs();
        assertThat(memory.resolve(0, 1, GuestMemory.Addressing.GUEST, runs)).isFalse();
        assertThat(memory.resolve(0, 0, GuestMemory.Addressing.GUEST, runs)).as("nothing is everywhere").isTrue();
        assertThat(runs.count()).isZero();
        memory.release();
        letGoOfTheFiles();
    }

    @Test
    void aViewHoldsOneGenerationAndLetsGoOfItWhenItAdoptsTheNext() {
        GuestMemoryView view = new GuestMemoryView();
        assertThat(view.current().regions()).isEmpty();
        GuestMemory first = GuestMemory.of(List.of(low));
        GuestMemory second = GuestMemory.of(List.of(high));
        letGoOfTheFiles();
        view.adopt(first);
        assertThat(view.current()).isSameAs(first);
        view.adopt(second);
        MemoryFiles.await("unmapping the low file", () -> files.mapped() == 1);
        GuestMemory pinned = view.current().retain();
        view.adopt(GuestMemory.empty());
        high.mapping().segment().get(JAVA_BYTE, 0);
        pinned.release();
    }

    @Test
    void withoutAnIommuBusAddressesAreThoseOfTheTable() {
        Result result = new Result();
        GuestMemoryView view = new GuestMemoryView();
        view.adopt(GuestMemory.of(List.of(low, high)));
        letGoOfTheFiles();
        FrontTranslation guest = new IdentityTranslation(view, GuestMemory.Addressing.GUEST);
        FrontTranslation user = new IdentityTranslation(view, GuestMemory.Addressing.USER);
        Runs runs = new Runs();
        assertThat(guest.resolve(10, 2 * PAGE - 10, Access.WRITE, runs, result)).isEqualTo(Outcome.RESOLVED);
        assertThat(runs.count()).isEqualTo(2);
        assertThat(guest.resolve(20, 2 * PAGE, Access.READ, runs, result)).isEqualTo(Outcome.FAULT);
        assertThat(result.address()).isEqualTo(20);
        assertThat(runs.bytes()).isEqualTo(2 * PAGE - 10);
        assertThat(user.resolve(10, 4, Access.READ, runs, result)).isEqualTo(Outcome.FAULT);
        assertThat(user.resolve(0x10_0000, PAGE, Access.READ, runs, result)).isEqualTo(Outcome.RESOLVED);
        long before = guest.generation();
        assertThat(user.generation()).isEqualTo(before);
        assertThat(guest.memory()).isSameAs(view.current());
        view.adopt(GuestMemory.empty());
        assertThat(guest.generation()).isNotEqualTo(before);
        assertThat(guest.memory()).isSameAs(view.current());
        assertThat(guest.resolve(10, 1, Access.READ, runs, result)).isEqualTo(Outcome.FAULT);
    }
}
