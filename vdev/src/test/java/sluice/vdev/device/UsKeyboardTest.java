package sluice.vdev.device;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

/** The keys of characters: numbers as in Linux's input-event-codes.h. */
class UsKeyboardTest {
    @ParameterizedTest
    @CsvSource(quoteCharacter = '"', value = { "1,2,false", "0,11,false", "-,12,false", "=,13,false", "+,13,true",
            "q,16,false", "P,25,true", "[,26,false", "},27,true", "a,30,false", "L,38,true", ";,39,false", "',40,false",
            "`,41,false", "~,41,true", "\\,43,false", "|,43,true", "z,44,false", "M,50,true", "/,53,false",
            "?,53,true" })
    void aCharacterHasTheKeyOfTheUsLayout(char character, int key, boolean shifted) {
        assertThat(UsKeyboard.key(character)).isEqualTo(key);
        assertThat(UsKeyboard.isShifted(character)).isEqualTo(shifted);
    }

    @Test
    void everyPrintableCharacterHasAKeyOfItsOwn() {
        int keys = 0;
        for (int c = ' '; c <= '~'; c++) {
            assertThat(UsKeyboard.key(c)).as("%c", c).isNotEqualTo(UsKeyboard.NO_KEY);
            for (int other = ' '; other < c; other++) {
                boolean same = UsKeyboard.key(c) == UsKeyboard.key(other)
                        && UsKeyboard.isShifted(c) == UsKeyboard.isShifted(other);
                assertThat(same).as("%c and %c", c, other).isFalse();
            }
            keys++;
        }
        assertThat(keys).isEqualTo(95);
        assertThat(UsKeyboard.key('\n')).isEqualTo(28);
        assertThat(UsKeyboard.key('\t')).isEqualTo(15);
    }

    @Test
    void otherCharactersHaveNone() {
        for (int c : new int[]{ -1, 0, 127, 128, 'é', 0x20ac, Character.MAX_CODE_POINT })
            assertThat(UsKeyboard.key(c)).isEqualTo(UsKeyboard.NO_KEY);
    }
}
