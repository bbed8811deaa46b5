// Makes key stores and asks the key managers of this JVM which alias they would send.
import java.io.*;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.*;
import javax.net.ssl.*;
import javax.security.auth.x500.X500Principal;

public class KeyManagers {
    static final char[] WORD = "changeit".toCharArray();

    static KeyStore made(Path folder, String[] aliases, String type) throws Exception {
        KeyStore store = KeyStore.getInstance(type);
        store.load(null, WORD);
        for (String alias : aliases) {
            byte[] key = Files.readAllBytes(folder.resolve(alias + ".p8"));
            String kind = Files.readString(folder.resolve(alias + ".kind")).strip();
            PrivateKey opened = KeyFactory.getInstance(kind).generatePrivate(new PKCS8EncodedKeySpec(key));
            List<java.security.cert.Certificate> chain = new ArrayList<>();
            try (InputStream in = Files.newInputStream(folder.resolve(alias + ".pem"))) {
                chain.addAll(CertificateFactory.getInstance("X.509").generateCertificates(in));
            }
            store.setKeyEntry(alias, opened, WORD, chain.toArray(new java.security.cert.Certificate[0]));
        }
        Path file = folder.resolve("store." + type.toLowerCase());
        try (OutputStream out = Files.newOutputStream(file)) { store.store(out, WORD); }
        KeyStore again = KeyStore.getInstance(type);
        try (InputStream in = Files.newInputStream(file)) { again.load(in, WORD); }
        return again;
    }

    // Each line: folder, type, aliases, key types, issuers' DER in base64 (comma-separated; - for none)
    public static void main(String[] none) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            String[] part = line.split(" ");
            KeyStore store = made(Path.of(part[0]), part[2].split(","), part[1]);
            List<Principal> issuers = new ArrayList<>();
            if (!part[4].equals("-"))
                for (String one : part[4].split(",")) issuers.add(new X500Principal(Base64.getDecoder().decode(one)));
            StringBuilder out = new StringBuilder();
            for (String algorithm : List.of("SunX509", "NewSunX509")) {
                KeyManagerFactory factory = KeyManagerFactory.getInstance(algorithm);
                factory.init(store, WORD);
                X509KeyManager manager = (X509KeyManager) factory.getKeyManagers()[0];
                String alias = manager.chooseClientAlias(part[3].split(","), issuers.isEmpty() ? null : issuers.toArray(new Principal[0]), null);
                // NewSunX509 puts the number of the builder and of the store before the alias.
                out.append(alias == null ? "-" : alias.substring(alias.lastIndexOf('.') + 1)).append(' ');
            }
            System.out.println(out.toString().strip());
        }
    }
}
