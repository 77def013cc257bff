package sluice.dmacore.memory;

import java.io.IOException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.iommu.AddressRange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class MemoryRegionTest {
    private final MemoryFiles files = new MemoryFiles(1);
    private FileMapping file;

    @BeforeEach
    void mapAFileOfFourPages() throws Exception {
        file = files.mapping(0x4000);
    }

    @AfterEach
    void unmap() {
        file.release();
        files.awaitUnmapped();
    }

    @ParameterizedTest
    @CsvSource({ "0, 0x4000, 0, 0", "0x1000, 0x1000, 0x7000, 0x3000", "0xfffffffffffff000, 0x1000, 0, 0x2000",
            "0, 0x2000, 0xffffffffffffe000, 0x2000" })
    void takesAnyWholePagesOfTheFileAtAnyAddress(String guest, String size, String user, String offset)
            throws Exception {
        MemoryRegion region = MemoryRegion.of(number(guest), number(size), number(user), file, number(offset));
        assertThat(region.size()).isEqualTo(number(size));
        assertThat(region.guest()).isEqualTo(AddressRange.of(number(guest), number(size)));
        assertThat(region.user()).isEqualTo(AddressRange.of(number(user), number(size)));
        assertThat(region.fileOffset()).isEqualTo(number(offset));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            0 | 0 | 0 | 0 | memory region of 0x0 bytes at file offset 0x0: \
            it must have 1 byte or more, at an offset of 0 or more
            0 | 0x8000000000000000 | 0 | 0 | memory region of 0x8000000000000000 bytes at file offset 0x0: \
            it must have 1 byte or more, at an offset of 0 or more
            0 | 0x1000 | 0 | 0xfffffffffffff000 | memory region of 0x1000 bytes at file offset 0xfffffffffffff000: \
            it must have 1 byte or more, at an offset of 0 or more
            0x800 | 0x1000 | 0 | 0 | memory region at 0x800, 0x1000 bytes, file offset 0x0, user address 0x0 \
            is not aligned to pages of 4096 bytes
            0 | 0x1001 | 0 | 0 | memory region at 0x0, 0x1001 bytes, file offset 0x0, user address 0x0 \
            is not aligned to pages of 4096 bytes
            0 | 0x1000 | 0 | 1 | memory region at 0x0, 0x1000 bytes, file offset 0x1, user address 0x0 \
            is not aligned to pages of 4096 bytes
            0 | 0x1000 | 0x10 | 0 | memory region at 0x0, 0x1000 bytes, file offset 0x0, user address 0x10 \
            is not aligned to pages of 4096 bytes
            0 | 0x5000 | 0 | 0 | memory region needs bytes 0x0 to 0x5000 of a file that has only 0x4000
            0 | 0x1000 | 0 | 0x4000 | memory region needs bytes 0x4000 to 0x5000 of a file that has only 0x4000
            0 | 0x2000 | 0 | 0x3000 | memory region needs bytes 0x3000 to 0x5000 of a file that has only 0x4000
            0 | 0x1000 | 0 | 0x7ffffffffffff000 | memory region needs bytes 0x7ffffffffffff000 \
            to 0x8000000000000000 of a file that has only 0x4000
            0xfffffffffffff000 | 0x2000 | 0 | 0 | memory region wraps around: \
            0x2000 bytes at 0xfffffffffffff000 are empty or pass the end of a 64-bit address space
            0 | 0x3000 | 0xffffffffffffe000 | 0 | memory region wraps around: \
            0x3000 bytes at 0xffffffffffffe000 are empty or pass the end of a 64-bit address space""")
    void saysWhichRuleARegionBreaks(String guest, String size, String user, String offset, String sentence) {
        assertThatThrownBy(
                () -> MemoryRegion.of(number(guest), number(size), number(user), file, number(offset)))
                .isInstanceOf(IOException.class).hasMessage(sentence);
    }

    @Test
    void aFileThatEndsInsideAPageOffersItsWholePagesOnly() throws Exception {
        MemoryFiles others = new MemoryFiles(1);
        FileMapping odd = others.mapping(0x1800);
        assertThat(MemoryRegion.of(0, 0x1000, 0, odd, 0).size()).isEqualTo(0x1000);
        assertThatThrownBy(() -> MemoryRegion.of(0, 0x2000, 0, odd, 0))
                .hasMessage("memory region needs bytes 0x0 to 0x2000 of a file that has only 0x1800");
        odd.release();
        others.awaitUnmapped();
    }

    private static long number(String text) {
        return Long.parseUnsignedLong(text.replace("0x", ""), text.startsWith("0x") ? 16 : 10);
    }
}
