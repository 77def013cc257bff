package sluice.vdev.qemu;

import java.nio.file.Path;
import java.util.Map;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class CacheFolderTest {
    @Test
    void theMostSpecialSettingWins() {
        Map<String, String> all = Map.of("SLUICE_CACHE", "/a", "XDG_CACHE_HOME", "/b", "HOME", "/c");
        assertThat(CacheFolder.of(all).path()).isEqualTo(Path.of("/a"));
        assertThat(CacheFolder.of(Map.of("XDG_CACHE_HOME", "/b", "HOME", "/c")).path()).isEqualTo(Path.of("/b/sluice"));
        assertThat(CacheFolder.of(Map.of("SLUICE_CACHE", "", "XDG_CACHE_HOME", "", "HOME", "/c")).path())
                .isEqualTo(Path.of("/c/.cache/sluice"));
    }
}
