/* Known answers of ECDSA: the keys and signatures of RFC 6979 appendix A.2 (P-256, P-384, P-521); for secp256k1, which
 * RFC 8812 calls for, the base point of SEC 2 section 2.4.1, which is the public key of 1, and the first signature of
 * Wycheproof's ecdsa_secp256k1_sha256_p1363_test.json. */
#ifndef EKM_TESTS_UNIT_CRYPTO_EC_VECTORS_H
#define EKM_TESTS_UNIT_CRYPTO_EC_VECTORS_H

#include <stddef.h>

enum { EC_CURVES = 4 };

typedef struct ec_case {
  const char *curve, *alg;
  size_t field_bytes;
  unsigned bits;
  size_t hash_bytes;
  const char *order;     /* n: FIPS 186-4 appendix D.1.2; SEC 2 section 2.4.1 */
  const char *d, *x, *y; /* a key pair */
  const char *digest;    /* of "sample" (RFC 6979), of 0x313233343030 (Wycheproof) */
  const char *signer_x;  /* another public key where the signature is not of the one above */
  const char *signer_y;
  const char *signature;
} ec_case;

static const ec_case ec_cases[EC_CURVES] = {
    {"P-256", "ES256", 32, 256, 32, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
     "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
     "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
     "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
     "af2bdbe1aa9b6ec1e2ade1d694f41fc71a831d0268e9891562113d8a62add1bf", NULL, NULL,
     "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
     "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"},
    {"P-384", "ES384", 48, 384, 48,
     "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
     "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5",
     "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13",
     "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720",
     "9a9083505bc92276aec4be312696ef7bf3bf603f4bbd381196a029f340585312313bca4a9b5b890efee42c77b1ee25fe", NULL, NULL,
     "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46"
     "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8"},
    {"P-521", "ES512", 66, 521, 64,
     "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b88"
     "99c47aebb6fb71e91386409",
     "00fad06daa62ba3b25d2fb40133da757205de67f5bb0018fee8c86e1b68c7e75caa896eb32f1f47c70855836a6d16fcc1466f6d8fbec67"
     "db89ec0c08b0e996b83538",
     "01894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd371123d46e45db6b5d5370a7f20fb633155d38ffa16d2b"
     "d761dcac474b9a2f5023a4",
     "00493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f746a28a0db25741b5b34a828008b22acc23f924faafbd4d33f"
     "81ea66956dfeaa2bfdfcf5",
     "39a5e04aaff7455d9850c605364f514c11324ce64016960d23d5dc57d3ffd8f49a739468ab8049bf18eef820cdb1ad6c9015f838556bc7fa"
     "d4138b23fdf986c7",
     NULL, NULL,
     "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606add152b534931d7d4e8455c"
     "c91f9b15bf05ec36e377fa"
     "00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af282623eaa63e5b5c0723d8b8c37ff0777b1a20f8ccb1dc"
     "cc43997f1ee0e44da4a67a"},
    {"P-256K", "ES256K", 32, 256, 32, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
     "0000000000000000000000000000000000000000000000000000000000000001",
     "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
     "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
     "bb5a52f42f9c9261ed4361f59422a1e30036e7c32b270c8807a419feca605023",
     "b838ff44e5bc177bf21189d0766082fc9d843226887fc9760371100b7ee20a6f",
     "f0c9d75bfba7b31a6bca1974496eeb56de357071955d83c4b1badaa0b21832e9",
     "813ef79ccefa9a56f7ba805f0e478584fe5f0dd5f567bc09b5123ccbc9832365"
     "900e75ad233fcc908509dbff5922647db37c21f4afd3203ae8dc4ae7794b0f87"},
};

/* The compact JWS of RFC 7515 appendices A.3 and A.4: key and signature as they travel, base64url, and the hash of what
 * was signed. */
static const struct jws_case {
  const char *curve, *alg, *x, *y, *d, *digest, *signature;
} jws_cases[] = {
    {"P-256", "ES256", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
     "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI", "21c67368f436577f447f805162ca13b80d046a3fe467247e65ea477aa750fa2e",
     "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
    {"P-521", "ES512", "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
     "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
     "AY5pb7A0UFiB3RELSD64fTLOSV_jazdF7fLYyuTw8lOfRhWg6Y6rUrPAxerEzgdRhajnu0ferB0d53vM9mE15j2C",
     "eba14aed50b8fabc10b60115877b6b2b762927a2e4b08e90b83e93c59ed5a899197eb3b39cb0be15ce316c9d002391e76ab473d118a3fe3"
     "36b514ea08ad7ebec",
     "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_"
     "7XdtAG8GaSwFKdCAPZgoXD2YBJZC"
     "PEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"},
};

#endif
