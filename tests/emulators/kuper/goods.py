"""Invented goods: what the stores of the emulated marketplace sell."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Good:
    sku: str
    name: str
    price_minor: int
    discount_minor: int
    piece_weight_g: int
    vat_rate: int

    @property
    def weighed(self) -> bool:
        return self.piece_weight_g > 0


# name, price of a piece or pack in kopecks, price with discount, grams of one piece (0 = sold by the piece), VAT per cent
_ROWS: tuple[tuple[str, int, int, int, int], ...] = (
    ("Молоко 3,2% 930 мл", 8990, 7990, 0, 10),
    ("Кефир 1% 900 г", 7450, 7450, 0, 10),
    ("Творог 9% 180 г", 9999, 8499, 0, 10),
    ("Сметана 20% 300 г", 11290, 11290, 0, 10),
    ("Масло сливочное 82,5% 180 г", 21990, 18990, 0, 10),
    ("Яйцо куриное С1, 10 шт.", 12490, 10990, 0, 10),
    ("Хлеб бородинский 390 г", 5490, 5490, 0, 10),
    ("Батон нарезной 400 г", 4790, 4290, 0, 10),
    ("Лаваш тонкий 200 г", 4999, 4999, 0, 10),
    ("Гречка ядрица 900 г", 9890, 7990, 0, 10),
    ("Рис круглозёрный 800 г", 8790, 8790, 0, 10),
    ("Макароны «Спирали» 450 г", 6450, 5450, 0, 10),
    ("Мука пшеничная в/с 2 кг", 11990, 9990, 0, 10),
    ("Сахар-песок 1 кг", 7990, 7990, 0, 10),
    ("Соль поваренная 1 кг", 1990, 1990, 0, 10),
    ("Масло подсолнечное 1 л", 14990, 12990, 0, 10),
    ("Чай чёрный, 100 пакетиков", 24990, 19990, 0, 20),
    ("Кофе молотый 250 г", 39990, 34990, 0, 20),
    ("Печенье овсяное 400 г", 10990, 10990, 0, 20),
    ("Шоколад тёмный 90 г", 12990, 9990, 0, 20),
    ("Вода питьевая 1,5 л", 4990, 4990, 0, 20),
    ("Сок яблочный 1 л", 13990, 11990, 0, 20),
    ("Горошек зелёный 400 г", 8990, 8990, 0, 20),
    ("Тунец в масле 185 г", 19990, 17490, 0, 10),
    ("Майонез 67% 400 мл", 11990, 8990, 0, 20),
    ("Кетчуп томатный 350 г", 9990, 9990, 0, 20),
    ("Корм для кошек «Мурзик <3» 85 г", 3990, 2990, 0, 20),
    ("Салфетки бумажные, 100 шт.", 6990, 6990, 0, 20),
    ("Порошок стиральный 3 кг", 64990, 49990, 0, 20),
    ("Средство для посуды 450 мл", 12990, 9990, 0, 20),
    ("Мороженое пломбир 80 г", 7990, 6990, 0, 10),
    ("Пельмени «Домашние» 800 г", 34990, 29990, 0, 10),
    ("Бананы, вес", 2599, 2199, 180, 20),
    ("Яблоки «Гала», вес", 2850, 2850, 190, 20),
    ("Апельсины, вес", 3890, 3290, 230, 20),
    ("Лимоны, вес", 1980, 1980, 110, 20),
    ("Картофель мытый, вес", 770, 770, 140, 10),
    ("Морковь, вес", 690, 590, 120, 10),
    ("Лук репчатый, вес", 480, 480, 110, 10),
    ("Помидоры розовые, вес", 6590, 5390, 220, 10),
    ("Огурцы короткоплодные, вес", 2390, 2390, 120, 10),
    ("Перец красный, вес", 6890, 5990, 210, 10),
    ("Капуста белокочанная, вес", 9350, 9350, 1700, 10),
    ("Филе куриное охлаждённое, вес", 31990, 27990, 700, 10),
    ("Фарш говяжий, вес", 35990, 35990, 500, 10),
    ("Сыр полутвёрдый, вес", 25770, 22990, 300, 10),
    ("Колбаса докторская, вес", 27450, 27450, 400, 10),
    ("Форель стейк, вес", 58990, 49990, 350, 10),
)

FIRST_SKU = 100200001

GOODS: tuple[Good, ...] = tuple(
    Good(str(FIRST_SKU + 37 * index), *row) for index, row in enumerate(_ROWS)
)
BY_SKU: dict[str, Good] = {good.sku: good for good in GOODS}


def barcode(good: Good) -> str:
    """EAN-13 from the range 200-299, which is left to shops and so meets no real product."""
    digits = f"2{int(good.sku):011d}"
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return digits + str(-total % 10)


def catalogue_csv() -> str:
    """The goods as a file for `ordergatectl catalog import`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["sku", "name", "barcodes", "unit", "piece_weight_g", "vat_rate", "tolerance_percent"])
    for good in GOODS:
        unit = "kg" if good.weighed else "pcs"
        writer.writerow([good.sku, good.name, barcode(good), unit, good.piece_weight_g or "", good.vat_rate, ""])
    return out.getvalue()
