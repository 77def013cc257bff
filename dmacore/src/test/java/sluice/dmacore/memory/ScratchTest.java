package sluice.dmacore.memory;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.budget.ShareUsedUpException;
import sluice.dmacore.linux.Fd;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ScratchTest {
    private static final int PAGE = 4096;

    private final MemoryFiles files = new MemoryFiles(1);

    @AfterEach
    void nothingIsLeftBehind() {
        files.assertNothingIsLeft();
    }

    @Test
    void isZeroInWholePagesAndWhereItWasGivenBack() throws Exception {
        try (Scratch scratch = files.mappings.scratch("test", 2 * PAGE + 1)) {
            FileMapping mapping = scratch.mapping();
            assertThat(mapping.size()).isEqualTo(3 * PAGE);
            assertThat(mapping.segment().toArray(JAVA_BYTE)).containsOnly(0);
            mapping.segment().fill((byte) 7);
            scratch.giveBack(PAGE, PAGE);
            assertThat(mapping.segment().asSlice(0, PAGE).toArray(JAVA_BYTE)).containsOnly(7);
            assertThat(mapping.segment().asSlice(PAGE, PAGE).toArray(JAVA_BYTE)).containsOnly(0);
            assertThat(mapping.segment().asSlice(2 * PAGE).toArray(JAVA_BYTE)).containsOnly(7);
        }
    }

    @Test
    void keepsItsMappingWithoutADescriptor() throws Exception {
        int open = Fd.openCount();
        FileMapping mapping = files.mappings.scratch("test", 1).keepMapping();
        assertThat(Fd.openCount()).isEqualTo(open);
        mapping.segment().set(JAVA_BYTE, PAGE - 1, (byte) 7);
        mapping.release();
    }

    @Test
    void whatCannotBeMappedLeavesNoDescriptor() throws Exception {
        try (Scratch only = files.mappings.scratch("test", 1)) {
            int open = Fd.openCount();
            assertThatThrownBy(() -> files.mappings.scratch("more", 1)).isInstanceOf(ShareUsedUpException.class);
            assertThat(Fd.openCount()).isEqualTo(open);
            assertThat(only.mapping().segment().get(JAVA_BYTE, 0)).isZero();
        }
    }
}
