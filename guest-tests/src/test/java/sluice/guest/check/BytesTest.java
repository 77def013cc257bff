package sluice.guest.check;

import java.util.Collections;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/** What a program in the guest says of the bytes, and what nobody should take for it. */
class BytesTest {
    private static final String STREAM = "SLUICE stream udmabuf frames 20 failed 1 right 2 packets right 3 old 4 wiped 5 other 6";
    private static final String DIFF = "SLUICE diff frame 3 offset 1024 length 512 expected 471fff10........0000023c found eeeeeeeeeeeeeeeeeeeeeeee";

    @Test
    void whatTheProgramSaysIsTaken() {
        Bytes bytes = Bytes.among(List.of("[    1.0] noise", DIFF, STREAM, "SLUICE exit 0"));
        assertThat(bytes).isEqualTo(new Bytes(20, 1, 2, 3, 4, 5, 6,
                List.of(new Difference(3, 1024, 512, "471fff10........0000023c", "eeeeeeeeeeeeeeeeeeeeeeee"))));
        assertThat(bytes == null ? "" : bytes.differences().getFirst().sentence()).isEqualTo(
                "frame 3, 512 bytes from 0x400 on: expected 471fff10........0000023c, found eeeeeeeeeeeeeeeeeeeeeeee");
    }

    @Test
    void aFloodOfDifferencesIsCutShort() {
        Bytes bytes = Bytes.among(Collections.nCopies(10_000, DIFF));
        assertThat(bytes).as("differences alone are no result").isNull();
        assertThat(Difference.among(Collections.nCopies(10_000, DIFF))).hasSize(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {
            "SLUICE stream udmabuf frames 99999999999 failed 0 right 0 packets right 0 old 0 wiped 0 other 0",
            "SLUICE stream udmabuf frames 1 failed 0 right 0 packets right 9999999999999999999 old 0 wiped 0 other 0",
            "SLUICE stream udmabuf frames -1 failed 0 right 0 packets right 0 old 0 wiped 0 other 0",
            "SLUICE stream udmabuf frames 1 failed 0 right 1 packets right 1 old 0 wiped 0 other 0 more",
            "SLUICE diff frame 0 offset 99999999999 length 1 expected 00 found 00",
            "SLUICE diff frame 0 offset 0 length 1 expected <b> found 00" })
    void linesThatAreNoneAreLeft(String line) {
        assertThat(Bytes.among(List.of(line))).isNull();
        assertThat(Difference.among(List.of(line))).isEmpty();
    }
}
