package sluice.vdev.console;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class AssetsTest {
    /** SHA-256 of the paths and contents of the modules of noVNC 1.7.0, as npm has them. */
    private static final String NOVNC = "5203ddee9da53f468f073157e93180cc3743fe712d19d9ccdfc4726ac46169fe";
    private static final Path FOLDER = Path.of("src/main/resources/sluice/vdev/console/novnc");

    /** Another's files stay as they are: whoever looks for a fault in them can compare. */
    @Test
    void theFilesOfNoVncAreUnchanged() throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        List<String> files;
        try (Stream<Path> all = Files.walk(FOLDER)) {
            files = all.map(file -> FOLDER.relativize(file).toString()).filter(file -> file.endsWith(".js")).sorted()
                    .toList();
        }
        for (String file : files) {
            digest.update(file.getBytes(StandardCharsets.UTF_8));
            digest.update(Files.readAllBytes(FOLDER.resolve(file)));
        }
        assertThat(HexFormat.of().formatHex(digest.digest())).isEqualTo(NOVNC);
        assertThat(FOLDER.resolve("LICENSE.MPL-2.0")).isNotEmptyFile();
    }

    @Test
    void onlyFilesOfThePageAreFound() throws IOException {
        Assets assets = new Assets();
        assertThat(assets.find("")).isNotNull().extracting(Assets.Asset::type).isEqualTo("text/html; charset=utf-8");
        assertThat(assets.find("novnc/core/rfb.js")).isNotNull();
        assertThat(assets.find("uplot.js")).as("the version of the web jar is that of pom.xml").isNotNull();
        for (String path : List.of("novnc/LICENSE.txt", "novnc/../console.js", "novnc/core/../../console.js",
                "/etc/passwd", "novnc//etc/passwd.js", "package-info.class", "novnc/no.js"))
            assertThat(assets.find(path)).as(path).isNull();
    }
}
